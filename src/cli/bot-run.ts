import { stat } from 'node:fs/promises'
import { createStatusFiles } from '../bot/host/status-file.ts'
import { superviseHost } from '../bot/host/supervise.ts'
import type { HostEvent, HostTarget } from '../bot/host/wire.ts'
import { loadScript } from '../bot/script/load.ts'
import type { SessionScript } from '../bot/script/script.ts'
import { missingPrograms } from '../bot/watch/alert-programs.ts'
import { problemLine } from '../yaml/problem.ts'
import { botToken } from './bot.ts'
import { startControl } from './bot-control.ts'
import { sessionsFolderOf, soundCacheOf } from './bot-folders.ts'
import { createTeller } from './bot-run-teller.ts'
import { planOrRefuse, soundsFor } from './bot-sounds.ts'
import { startBotWatch } from './bot-watch.ts'
import type { BotRunOptions } from './commands/bot-host.ts'
import type { Context } from './context.ts'
import { entryOf } from './entries.ts'
import { exitCodeOfEnd, failure } from './failure.ts'
import { scriptAt } from './script-file.ts'
import { readToken } from './secret.ts'

/** Hosts sessions until they are over, each in its room and at its time. */
export const botRun = async (context: Context, files: string[], options: BotRunOptions): Promise<void> => {
  const scripts = await loadAll(context, files, options)
  const target = await targetOf(context, scripts, options)
  const durations = await refuseUnplayable(context, scripts)
  const statuses = createStatusFiles(sessionsFolderOf(context), context.output.note)
  const tell = await createTeller(context, scripts.length > 1, options)
  const watch = await startBotWatch(context, { scripts, durations }, options, tell)
  context.onClose(watch.close)
  if (options.control !== undefined) context.onClose(startControl(context, scripts, watch, options))
  let interruptedBy: NodeJS.Signals | undefined
  const host = superviseHost({
    order: {
      target,
      scripts,
      folder: sessionsFolderOf(context),
      cacheFolder: soundCacheOf(context),
      isNow: options.now === true,
      isOnce: options.once === true,
      hasEar: options.ear === true,
      entries: { speech: entryOf('speech'), measure: entryOf('measure') },
    },
    entry: entryOf('bot'),
    onEvent: tell,
    onView: (view) => {
      statuses.see(view.report)
      watch.onView(view)
    },
  })
  watch.attach(host)
  const reload = (script: SessionScript) => {
    watch.onScript(script)
    host.reload(script)
  }
  const refuse = (script: SessionScript, { message }: Error) =>
    tell({
      at: new Date().toISOString(),
      session: script.name,
      occurrence: null,
      type: 'warning',
      message: `The changed script is not taken over: ${message}`,
    })
  context.onClose(followFiles(scripts, options, { reload, refuse }))
  context.onInterrupt((signal) => {
    interruptedBy = signal
    host.stop(signal === 'SIGINT')
  })
  context.onOutputClosed(() => {})
  const ended = [...(await host.done).values()]
  await statuses.flush()
  context.exitWith(interruptedBy ? 130 : Math.max(0, ...ended.map(exitCodeOf)))
}

const loadAll = async (context: Context, files: string[], { variant }: BotRunOptions): Promise<SessionScript[]> => {
  const scripts: SessionScript[] = []
  for (const file of files) scripts.push(await scriptAt(context, file, variant))
  const twice = scripts.find(({ name }, index) => scripts.findIndex((one) => one.name === name) !== index)
  if (twice)
    throw failure('bad-input', `two of the scripts are the session "${twice.name}"; each needs a name of its own`)
  return scripts
}

const targetOf = async (
  context: Context,
  scripts: SessionScript[],
  { url, token }: BotRunOptions,
): Promise<HostTarget> => {
  if (url === undefined) {
    if (token !== undefined) throw failure('bad-input', '--token goes with --url, the address of a LiveKit server')
    const server = await context.server()
    return { server: server.url, token: await botToken(context, server), proxy: context.proxy() }
  }
  if (token === undefined) throw failure('bad-input', '--url wants --token, the key to one room')
  if (!/^wss?:\/\//.test(url)) throw failure('bad-input', `--url wants a ws:// or wss:// address, not "${url}"`)
  if (scripts.length > 1) throw failure('bad-input', 'a LiveKit token is for one room: give one script')
  for (const [isThere, what] of needsServer(scripts[0]!))
    if (isThere) throw failure('bad-input', `${what} needs a roomtone server; a LiveKit room alone has none of it`)
  return { url, token: await readToken(context, token) }
}

const needsServer = ({ cues, room }: SessionScript): [boolean, string][] => [
  [cues.some(({ action }) => action.kind === 'floor'), 'an open floor'],
  [room.hands !== 'everyone', 'a policy for hands'],
  [room.existing !== null, 'the room that the script names'],
  [room.cohosts.length > 0, 'a co-host'],
]

/**
 * Everything is measured and rendered before anything is joined; what cannot be played is told with its place. Resolves
 * with how long each session is; null without an end.
 */
const refuseUnplayable = async (context: Context, scripts: SessionScript[]): Promise<Map<string, number | null>> => {
  const durations = new Map<string, number | null>()
  for (const script of scripts) {
    const sounds = soundsFor(context, script)
    const { endMs } = await planOrRefuse(context, script, sounds).finally(() => sounds.close())
    // Nobody is left without a session for want of somebody to be told of it.
    for (const problem of await missingPrograms(script, context.env.PATH ?? ''))
      context.output.note(`warning: ${problemLine(problem, context.workingFolder)}`)
    durations.set(script.name, endMs)
  }
  return durations
}

const LOOK_EVERY_MS = 1000

/** A script that was changed on disk counts from the next cue on; one that is broken is told, and the old one goes on. */
const followFiles = (
  scripts: SessionScript[],
  { variant }: BotRunOptions,
  { reload, refuse }: { reload(script: SessionScript): void; refuse(script: SessionScript, error: Error): void },
) => {
  const followed = scripts.map((script) => ({ script, seen: '' }))
  let isLooking = false
  const look = async () => {
    if (isLooking) return
    isLooking = true
    for (const one of followed) {
      const seen = await stampsOf(one.script.files)
      const isChanged = one.seen !== '' && seen !== one.seen
      one.seen = seen
      if (!isChanged) continue
      try {
        const script = await loadScript(one.script.file, { variant })
        if (script.name !== one.script.name) throw failure('bad-input', 'a session keeps its name while it is hosted')
        one.script = script
        one.seen = await stampsOf(script.files)
        reload(script)
      } catch (error) {
        refuse(one.script, error as Error)
      }
    }
    isLooking = false
  }
  void look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

const stampsOf = async (files: readonly string[]): Promise<string> => {
  const stats = await Promise.all(files.map((file) => stat(file).catch(() => null)))
  return stats.map((one) => (one ? `${one.mtimeMs}/${one.size}/${one.ino}` : '')).join(' ')
}

const exitCodeOf = ({ outcome, code }: Extract<HostEvent, { type: 'ended' }>): number => {
  if (outcome === 'kicked' || outcome === 'replaced' || outcome === 'room-ended') return 8
  return outcome === 'failed' ? exitCodeOfEnd({ reason: 'failed', code }) : 0
}
