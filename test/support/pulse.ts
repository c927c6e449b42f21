import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'

/** Why PulseAudio tests cannot run on this machine, or undefined when they can. For `describe.skipIf(...)`. */
export const pulseMissing: string | undefined = ['pulseaudio', 'pactl', 'pacat'].every(
  (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0,
)
  ? undefined
  : 'needs pulseaudio, pulseaudio-utils and libasound2-plugins'

export type Pulse = {
  /** For a child process whose sound shall go through this server. */
  env: { PULSE_SERVER: string; ALSA_CONFIG_PATH: string; XDG_RUNTIME_DIR: string; HOME: string }
  /** Device names, for `--speaker` and `--microphone`. */
  speaker: 'speaker'
  microphone: 'mic'
  /** A microphone that hears the speaker. */
  loop: 'loop'
  /** Not there until it is plugged in: a speaker, and a microphone that hears it. */
  headset: 'headset'
  /** Plays mono 48 kHz samples into the microphone; resolves when the server has played them. */
  play(samples: Int16Array): Promise<void>
  /** A sine of RMS `levelDb` dBFS into the microphone. */
  playTone(hz: number, levelDb: number, ms: number): Promise<void>
  /** The next `ms` of what the speaker plays: mono, 48 kHz, silence included. */
  recordSpeaker(ms: number): Promise<Int16Array>
  /** The same of what is played into the microphone. */
  recordMicrophone(ms: number): Promise<Int16Array>
  /** Every sample the speaker plays from now on, until the returned function is called. */
  listen(onSamples: (samples: Int16Array) => void): () => void
  /** The same of what is played into the microphone. */
  listenMicrophone(onSamples: (samples: Int16Array) => void): () => void
  /** The same of what the headset plays, while it is plugged in. */
  listenHeadset(onSamples: (samples: Int16Array) => void): () => void
  plugHeadset(): Promise<void>
  /** The sound server moves what played there, as it does in life. */
  unplugHeadset(): Promise<void>
  /** The system's default speaker or microphone, as its owner chooses it; the server moves there what is on the former. */
  makeDefault(kind: 'sink' | 'source', name: string): Promise<void>
  /** SIGKILLs the sound server; `start` brings it back with the same devices. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/**
 * A private PulseAudio server with two null sinks: `speaker`, and `mic` whose monitor is the microphone. One parec on
 * each monitor is kept alive, as an idle null sink starts late.
 */
export const startPulse = async (): Promise<Pulse> => {
  const folder = mkdtempSync(join(tmpdir(), 'roomtone-pulse-'))
  const env = writeConfiguration(folder)
  const listeners: Listeners = new Set()
  const microphoneListeners: Listeners = new Set()
  const headsetListeners: Listeners = new Set()
  let headset: { module: string; ear: ChildProcess } | undefined
  let processes: ChildProcess[] = []

  const start = async () => {
    const daemon = spawn('pulseaudio', daemonArguments(folder), { env: { ...process.env, ...env }, stdio: 'ignore' })
    processes = [daemon]
    // As sound servers run in life: before other work, where the system allows it.
    goFirst(daemon)
    await eventually(() => sinkNames(env).then((names) => names.includes('mic')), {
      withinMs: 10_000,
      what: 'the private sound server answers',
    })
    const ear = record('speaker.monitor', env)
    ear.stdout?.on('data', samplesOf(listeners))
    const keeper = record('mic.monitor', env)
    keeper.stdout?.on('data', samplesOf(microphoneListeners))
    processes.push(ear, keeper)
    for (const recorder of [ear, keeper]) goFirst(recorder)
    await Promise.all([once(ear.stdout!, 'data'), once(keeper.stdout!, 'data')])
  }

  const kill = async () => {
    const running = processes.filter((child) => child.exitCode === null && child.signalCode === null)
    processes = []
    headset = undefined
    await Promise.all(running.map(ended))
    rmSync(join(folder, 'native'), { force: true })
  }

  const listenTo = (those: Listeners) => (onSamples: (samples: Int16Array) => void) => {
    those.add(onSamples)
    return () => void those.delete(onSamples)
  }
  const plugHeadset = async () => {
    const module = await control(
      env,
      'load-module',
      'module-null-sink',
      'sink_name=headset',
      'rate=48000',
      'channels=2',
    )
    const ear = record('headset.monitor', env)
    headset = { module, ear }
    processes.push(ear)
    ear.stdout?.on('data', samplesOf(headsetListeners))
    await once(ear.stdout!, 'data')
  }

  const unplugHeadset = async () => {
    if (!headset) return
    const { module, ear } = headset
    headset = undefined
    await ended(ear)
    await control(env, 'unload-module', module)
  }

  const listen = listenTo(listeners)
  const listenMicrophone = listenTo(microphoneListeners)

  const play = async (samples: Int16Array) => {
    // Enough ahead that a busy machine leaves no hole in the sound.
    const options = ['--playback', '--raw', '--format=s16le', '--rate=48000', '--channels=1', '--latency-msec=200']
    const player = spawn('pacat', [...options, '--device=mic'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    processes.push(player)
    goFirst(player)
    player.stdin!.on('error', () => {})
    player.stdin!.end(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength))
    await once(player, 'exit')
  }

  await start()
  return {
    env,
    speaker: 'speaker',
    microphone: 'mic',
    loop: 'loop',
    play,
    playTone: (hz, levelDb, ms) => play(sine(hz, levelDb, ms)),
    recordSpeaker: (ms) => collect(listen, Math.round(ms * 48)),
    recordMicrophone: (ms) => collect(listenMicrophone, Math.round(ms * 48)),
    listen,
    listenMicrophone,
    listenHeadset: listenTo(headsetListeners),
    headset: 'headset',
    plugHeadset,
    unplugHeadset,
    makeDefault: async (kind, name) => void (await control(env, `set-default-${kind}`, name)),
    kill,
    start,
    close: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

const goFirst = ({ pid }: ChildProcess) => {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_HIGH)
  } catch {
    // For administrators alone on most systems.
  }
}

const writeConfiguration = (folder: string): Pulse['env'] => {
  const server = `unix:${folder}/native`
  mkdirSync(join(folder, 'run'), { mode: 0o700 })
  const nullSink = (name: string) => `load-module module-null-sink sink_name=${name} rate=48000 channels=2\n`
  writeFileSync(
    join(folder, 'default.pa'),
    `load-module module-native-protocol-unix socket=${folder}/native auth-anonymous=1\n` +
      `${nullSink('speaker')}${nullSink('mic')}set-default-sink speaker\nset-default-source mic.monitor\n`,
  )
  const pcm = (name: string, device: string) =>
    `pcm.${name} { type pulse server "${server}" device "${device}" hint { show on description "${name}" } }\n`
  writeFileSync(
    join(folder, 'asound.conf'),
    `${pcm('speaker', 'speaker')}${pcm('mic', 'mic.monitor')}${pcm('loop', 'speaker.monitor')}` +
      `pcm.!default { type pulse server "${server}" hint { show on description "default" } }\n`,
  )
  return {
    PULSE_SERVER: server,
    ALSA_CONFIG_PATH: join(folder, 'asound.conf'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    HOME: folder,
  }
}

const daemonArguments = (folder: string) =>
  `-n -F ${folder}/default.pa --daemonize=no --exit-idle-time=-1 --disable-shm=yes --use-pid-file=no --realtime=no --high-priority=yes`.split(
    ' ',
  )

const sinkNames = async (env: Pulse['env']) => {
  const list = await control(env, 'list', 'short', 'sinks')
  return list.split('\n').map((line) => line.split('\t')[1])
}

const control = async (env: Pulse['env'], ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('pactl', args, { env: { ...process.env, ...env } })
  return stdout.trim()
}

const record = (source: string, env: Pulse['env']) =>
  spawn(
    'pacat',
    ['--record', '--raw', '--format=s16le', '--rate=48000', '--channels=1', '--latency-msec=10', `--device=${source}`],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] },
  )

type Listeners = Set<(samples: Int16Array) => void>

/** Pipe chunks may end inside a sample. */
const samplesOf = (listeners: Listeners) => {
  let rest = Buffer.alloc(0)
  return (chunk: Buffer) => {
    const bytes = Buffer.concat([rest, chunk])
    const samples = new Int16Array(bytes.length >> 1)
    for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(i * 2)
    rest = bytes.subarray(samples.length * 2)
    for (const listener of listeners) listener(samples)
  }
}

const collect = (listen: Pulse['listen'], wanted: number) =>
  new Promise<Int16Array>((resolve, reject) => {
    const all = new Int16Array(wanted)
    let count = 0
    const late = setTimeout(
      () => {
        stop()
        reject(new Error(`the sink's monitor gave ${count} of ${wanted} samples in time`))
      },
      wanted / 48 + 5_000,
    )
    const stop = listen((samples) => {
      all.set(samples.subarray(0, wanted - count), count)
      count += Math.min(samples.length, wanted - count)
      if (count < wanted) return
      clearTimeout(late)
      stop()
      resolve(all)
    })
  })

const sine = (hz: number, levelDb: number, ms: number) => {
  const amplitude = 32_767 * Math.SQRT2 * 10 ** (levelDb / 20)
  return Int16Array.from({ length: Math.round(ms * 48) }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / 48_000)),
  )
}
