import type { Channels } from '../audio/frame.ts'
import type { OpenSound, Plan, PlannedSound, ProgramEvent, SessionProgram } from './program/contract.ts'
import { createSessionProgram } from './program/session-program.ts'
import { gainDbOf, type SoundFacts } from './sound/facts.ts'

export type PlaylistOptions = {
  files: readonly string[]
  channels: Channels
  /** After the last file comes the first. */
  isLooped: boolean
  /** Length and loudness. Asked for a file when the one before it begins: a list of hours begins at once. */
  factsOf(file: string): Promise<SoundFacts>
  open(file: string, at: { startMs: number; channels: Channels }): Promise<OpenSound>
  /** A file that cannot be played, or breaks off: what was wrong. The list goes on with the next one. */
  onWarning(message: string): void
}

export type Playlist = {
  program: SessionProgram
  /** Which file plays, and how far it is; `durationMs` null: not measured yet. */
  position(): { index: number; atMs: number; durationMs: number | null }
}

const CUE = 'play'
/** As many beginnings as may lie in what a program can be rewound. */
const REMEMBERED = 100
const NO_FADES = { crossfadeMs: 0, fadeInMs: 0, fadeOutMs: 0 }

/** Files one after the other, each at -18 LUFS, on the engine of all sessions: a session of one cue. */
export const createPlaylist = (options: PlaylistOptions): Playlist => {
  const { files, channels, isLooped, factsOf, onWarning } = options
  const facts: (SoundFacts | undefined)[] = []
  /** As the plan has them: a file that was waited for is over when it is over. */
  let lengthsMs: (number | null)[] = []
  let starts = [{ index: 0, programMs: 0 }]
  let failures = 0

  const learn = async (index: number) => {
    facts[index] ??= await factsOf(files[index]!).catch(() => undefined)
  }
  const planned = (path: string, index: number): PlannedSound => {
    const { title = null, artist = null } = facts[index] ?? {}
    const gainDb = facts[index] ? gainDbOf(facts[index], { layer: 'voice', channels }) : 0
    const source = { kind: 'item', item: { kind: 'file', path } } as const
    const durationMs = lengthsMs[index] ?? null
    return { id: `${CUE}/${index + 1}`, cue: CUE, layer: 'voice', source, title, artist, durationMs, gainDb }
  }
  const planNow = (): Plan => {
    const shared = { ...NO_FADES, isLooped, forMs: null, weights: files.map(() => 1) }
    const content = { kind: 'sounds', order: 'given', sounds: files.map(planned), ...shared } as const
    const time = { kind: 'at', ms: 0 } as const
    const entries = [{ cue: CUE, title: null, time, atMs: 0, lengthMs: null, content }]
    return { channels, endMs: null, isEndGiven: false, late: 'shift', seed: '', gentleBell: BELL, entries }
  }

  const begin = (index: number, programMs: number) => {
    starts = [...starts.slice(-REMEMBERED), { index, programMs }]
    lengthsMs = files.map((_, i) => facts[i]?.durationMs ?? null)
    // Not while a frame is being mixed.
    setImmediate(() => program.replacePlan(planNow()))
    void learn((index + 1) % files.length)
  }
  const end = (cause: Extract<ProgramEvent, { type: 'over' }>['cause']) => {
    failures = cause === 'failed' ? failures + 1 : 0
    // A round that gave no sound at all would be followed by nothing else.
    if (isLooped && failures === files.length) void program.command({ do: 'stop' })
  }

  const program: SessionProgram = createSessionProgram({
    plan: planNow(),
    open: async (sound, at) => {
      const index = ordinalOf(sound.id)
      await learn(index)
      program.replacePlan(planNow())
      return options.open(files[index]!, at)
    },
    onEvent: (event) => {
      if (event.type === 'warning') onWarning(event.message)
      if (event.type === 'began') begin(ordinalOf(event.id) % files.length, event.atMs)
      if (event.type === 'over') end(event.cause)
    },
  })

  return {
    program,
    position: () => {
      const { programMs } = program.position()
      const { index, programMs: startedMs } = starts.findLast((start) => start.programMs <= programMs) ?? starts[0]!
      return { index, atMs: programMs - startedMs, durationMs: facts[index]?.durationMs ?? null }
    },
  }
}

/** Counted over all rounds; a single sound has no number of its own. */
const ordinalOf = (id: string) => Number(id.split('/')[1] ?? 1) - 1

/** A plan has one; nothing rings it here. */
const BELL: PlannedSound = {
  id: 'bell',
  cue: '',
  layer: 'bell',
  source: { kind: 'shipped-bell' },
  title: null,
  artist: null,
  durationMs: null,
  gainDb: 0,
}
