// Sound through a program's pipe, where naudiodon is not built: PulseAudio's pacat, PipeWire's pw-cat, ALSA's aplay and
// arecord on Linux; SoX elsewhere. pw-cat, and SoX on macOS and Windows, follow their manuals and were not run.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { Device } from './device-engines.ts'
import type { DeviceProcess } from './device-process.ts'
import { type Channels, FRAME_MS } from './frame.ts'
import { bytesOf, wholeSamples } from './pcm-bytes.ts'

export type PipeProgram = 'pacat' | 'pw-cat' | 'aplay' | 'sox'

export type PipeStream = { direction: 'input' | 'output'; device: string | undefined; channels: Channels }

type Environment = NodeJS.ProcessEnv | undefined

const ASK_MS = 3_000
/** A player that says nothing of itself and still runs after this has found its device. */
const SURVIVES_MS = 300
/** Between us and the device; more than this is drift or a stall, and frames are dropped. */
const MOST_ON_THE_WAY_MS = 120

/** Those that are installed and reach something that can sound, the best first. */
export const pipePrograms = async (env: Environment): Promise<PipeProgram[]> => {
  const asks: [PipeProgram, string, string[], RegExp][] =
    process.platform === 'linux'
      ? [
          ['pacat', 'pactl', ['info'], /./],
          ['pw-cat', 'pw-cli', ['info', '0'], /./],
          // Without a card it still lists its plugins.
          ['aplay', 'aplay', ['-l'], /^card \d/m],
        ]
      : [['sox', 'sox', ['--version'], /./]]
  const answers = await Promise.all(asks.map(([, program, args]) => ask(program, args, env).catch(() => '')))
  return asks.flatMap(([name, , , isUsable], index) => (isUsable.test(answers[index]!) ? [name] : []))
}

export const listPipeDevices = async (
  program: PipeProgram,
  env: Environment,
): Promise<{ inputs: Device[]; outputs: Device[] }> => {
  if (program === 'pacat') {
    const [inputs, outputs] = await Promise.all([pulseDevices('source', env), pulseDevices('sink', env)])
    return { inputs, outputs }
  }
  if (program === 'aplay') {
    const [inputs, outputs] = await Promise.all([alsaDevices('arecord', env), alsaDevices('aplay', env)])
    return { inputs, outputs }
  }
  // pw-cat and SoX take the system's default; a device is chosen in the system's own settings.
  return { inputs: [systemDefault], outputs: [systemDefault] }
}

const systemDefault: Device = { id: 'default', name: 'default', isDefault: true, channels: 2, sampleRate: 48_000 }

const pulseDevices = async (kind: 'sink' | 'source', env: Environment): Promise<Device[]> => {
  const [list, defaultName] = await Promise.all([
    ask('pactl', ['list', 'short', `${kind}s`], env),
    ask('pactl', [`get-default-${kind}`], env).catch(() => ''),
  ])
  return parsePulseList(list, defaultName.trim())
}

/** `pactl list short sinks`: index, name, driver, "s16le 2ch 48000Hz", state, by tabs. */
export const parsePulseList = (text: string, defaultName: string): Device[] =>
  text.split('\n').flatMap((line) => {
    const [, name, , format = ''] = line.split('\t')
    if (!name) return []
    const [, channels = '2', sampleRate = '48000'] = /(\d+)ch (\d+)Hz/.exec(format) ?? []
    return [{ id: name, name, isDefault: name === defaultName, channels: +channels, sampleRate: +sampleRate }]
  })

const alsaDevices = async (program: 'aplay' | 'arecord', env: Environment): Promise<Device[]> =>
  parseAlsaList(await ask(program, ['-L'], env))

/** `aplay -L`: a name a line, each followed by indented lines that describe it. */
export const parseAlsaList = (text: string): Device[] => {
  const names = text.split('\n').filter((line) => /^[^\s]/.test(line) && line !== 'null')
  const all = names.includes('default') ? names : ['default', ...names]
  return all.map((name) => ({ ...systemDefault, id: name, name, isDefault: name === 'default' }))
}

/** Rejects `started` with code `device-failed`. */
export const startPipeDevice = (
  program: PipeProgram,
  stream: PipeStream,
  onCaptured: (samples: Int16Array) => void,
  env: Environment,
): DeviceProcess => {
  const [command, ...args] = commandOf(program, stream)
  const child = spawn(command!, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: process.platform !== 'win32' })
  child.stdin.on('error', () => {})
  const words = followWords(child, program === 'pacat' && stream.direction === 'output')
  const flow = stream.direction === 'input' ? recorder(child, onCaptured) : player(child, stream.channels, words)
  const failed = () =>
    Object.assign(new Error(words.last() || `${command} ended early`), { code: 'device-failed' as const })
  return {
    ...flow,
    device: words.device,
    started: new Promise((resolve, reject) => {
      flow.started.then(resolve)
      child.once('error', () => reject(failed()))
      child.once('exit', () => reject(failed()))
    }),
    ended: new Promise((resolve) => {
      const tell = () => resolve(words.last() || `${command} ended`)
      child.once('error', tell)
      child.once('exit', tell)
    }),
    finish: () => (stream.direction === 'output' ? child.stdin.end() : child.kill('SIGKILL')),
    kill: () => child.kill('SIGKILL'),
  }
}

/** Raw s16le, 48 kHz, with the smallest buffers each program keeps up with. */
export const commandOf = (program: PipeProgram, { direction, device, channels }: PipeStream): string[] => {
  const isInput = direction === 'input'
  const target = (flag: string) => (device === undefined || device === 'default' ? [] : [flag, device])
  if (program === 'pacat') {
    const format = ['--raw', '--format=s16le', '--rate=48000', `--channels=${channels}`, '--client-name=roomtone']
    return isInput
      ? ['pacat', '--record', '--verbose', ...format, '--latency-msec=10', ...target('-d')]
      : ['pacat', '--playback', '--verbose', ...format, '--latency-msec=20', ...target('-d')]
  }
  if (program === 'pw-cat') {
    const mode = isInput ? '--record' : '--playback'
    return ['pw-cat', mode, '--raw', '--format=s16', '--rate=48000', `--channels=${channels}`, '--latency=20ms', '-']
  }
  if (program === 'aplay') {
    const format = ['-q', '-t', 'raw', '-f', 'S16_LE', '-r', '48000', '-c', `${channels}`]
    const buffers = ['--period-time=10000', '--buffer-time=40000']
    return [isInput ? 'arecord' : 'aplay', ...format, ...buffers, ...target('-D'), '-']
  }
  const format = ['-q', '--buffer', '1024', '-t', 'raw', '-b', '16', '-e', 'signed', '-L', '-r', '48000']
  return isInput ? ['rec', ...format, '-c', `${channels}`, '-'] : ['play', ...format, '-c', `${channels}`, '-']
}

const none = { droppedMs: 0, insertedMs: 0, starvedMs: 0 }

const recorder = (child: ChildProcess, onCaptured: (samples: Int16Array) => void) => {
  let chunks = 0
  const take = wholeSamples(onCaptured)
  child.stdout!.on('data', (chunk: Buffer) => {
    chunks++
    take(chunk)
  })
  return {
    started: new Promise<void>((resolve) => child.stdout!.once('data', () => resolve())),
    progress: () => chunks,
    bufferedMs: () => 0,
    counts: () => none,
    play: () => {},
  }
}

const player = (child: ChildProcess, channels: Channels, words: Words) => {
  const bytesPerMs = 48 * channels * 2
  const stdin = child.stdin!
  let writtenMs = 0
  let droppedMs = 0
  let asked = 0
  child.stdout!.resume()
  const unreadMs = () => stdin.writableLength / bytesPerMs
  // pacat says how much was played; of the others only a full pipe is seen.
  const onTheWayMs = () => (words.playedMs() === undefined ? unreadMs() : writtenMs - words.playedMs()!)
  const play = (frame: Int16Array) => {
    if (onTheWayMs() > MOST_ON_THE_WAY_MS) {
      droppedMs += FRAME_MS
      return
    }
    writtenMs += FRAME_MS
    stdin.write(bytesOf(frame))
  }
  return {
    started: words.connected,
    // With nothing to play, standing still is no fault of the device.
    progress: () => (onTheWayMs() < MOST_ON_THE_WAY_MS / 2 ? ++asked : asked + writtenMs - onTheWayMs()),
    bufferedMs: onTheWayMs,
    counts: () => ({ ...none, droppedMs }),
    play,
  }
}

type Words = {
  last(): string
  playedMs(): number | undefined
  /** What pacat is on by now. */
  device(): string | undefined
  connected: Promise<void>
}

/**
 * What the program says on stderr: its last complaint, and pacat's "Time: 1.234 sec; Latency: 15000 usec." and "Connected to
 * device NAME (index: 1, suspended: no)." or "Stream moved to device NAME (2, not suspended).".
 */
const followWords = (child: ChildProcess, saysWhenConnected: boolean): Words => {
  let last = ''
  let playedMs: number | undefined
  let device: string | undefined
  let rest = ''
  const lines = (text: string) => {
    const all = (rest + text).split(/[\r\n]+/)
    rest = all.pop()!
    return all
  }
  const connected = new Promise<void>((resolve) => {
    if (!saysWhenConnected) setTimeout(resolve, SURVIVES_MS)
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      for (const line of lines(text)) {
        const time = /Time: (\d+\.\d+) sec/.exec(line)
        if (time) playedMs = +time[1]! * 1_000
        else if (line.trim()) last = line.replaceAll('\u001b[K', '').trim()
        device = /^(?:Connected|Stream moved) to device (\S+) /.exec(line)?.[1] ?? device
        if (saysWhenConnected && device !== undefined) resolve()
      }
    })
  })
  return { last: () => last, playedMs: () => playedMs, device: () => device, connected }
}

const ask = async (program: string, args: string[], env: Environment): Promise<string> => {
  const { stdout } = await promisify(execFile)(program, args, { env, timeout: ASK_MS, killSignal: 'SIGKILL' })
  return stdout
}
