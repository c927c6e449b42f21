import { type DeviceEngine, type DeviceOptions, type Direction, listBy, startBy } from './device-engines.ts'
import { type DeviceProcess, type Standing, type SupervisedDevice, superviseDevice } from './device-process.ts'
import type { Channels } from './frame.ts'

export type Told = 'lost' | 'replaced' | 'back'

export type PlaceOptions = {
  engine: DeviceEngine
  direction: Direction
  /** By its id; without, the system's default. */
  device: string | undefined
  channels: Channels
  onCaptured: (samples: Int16Array) => void
  tell: (what: Told, reason?: string) => void
  options: DeviceOptions
}

/** Names of ALSA's that stand for whatever the sound server has as default: that moves their streams itself. */
const FOLLOWS_BY_ITSELF = /^(default|pulse|pipewire)$/

/**
 * One device in one direction, wherever it should be by now: on the system's default even when that becomes another, or on
 * the device that was named, with the default in its place while that is unplugged. Rejects as the engine's start does.
 */
export const openPlaced = ({
  engine,
  direction,
  device,
  channels,
  onCaptured,
  tell,
  options,
}: PlaceOptions): Promise<SupervisedDevice> => {
  const start = (which: string | undefined) =>
    startBy(engine, { direction, device: which, channels }, onCaptured, options)
  /** Undefined where it cannot be told, or nothing at all is there. */
  const listed = async () => {
    const all = await listBy(engine, options).catch(() => undefined)
    const ours = all?.[direction === 'input' ? 'inputs' : 'outputs']
    return ours?.length ? ours : undefined
  }
  const isMissing = async () => (await listed())?.every(({ id }) => id !== device) === true

  const lookNamed = async (current: DeviceProcess, isSubstitute: boolean): Promise<Standing> => {
    const on = current.device()
    const isMoved = on !== undefined && on !== device
    if (!isSubstitute && !isMoved) return 'fine'
    const all = await listed()
    if (!all) return 'fine'
    if (all.every(({ id }) => id !== device)) return isSubstitute ? 'fine' : 'displaced'
    // PulseAudio takes along what is on the former default; what is neither there nor on the new one, its user has moved.
    const isByUser = isMoved && !isSubstitute && !all.some(({ id, isDefault }) => isDefault && id === on)
    return isByUser ? 'fine' : 'outdated'
  }
  const lookDefault = async (current: DeviceProcess): Promise<Standing> => {
    const on = current.device()
    if (engine !== 'portaudio' || on === undefined || FOLLOWS_BY_ITSELF.test(on)) return 'fine'
    const isDefaultNow = (await listed())?.find(({ isDefault }) => isDefault)
    return isDefaultNow === undefined || isDefaultNow.id === on ? 'fine' : 'outdated'
  }

  return superviseDevice({
    spawn: () => start(device),
    onLost: (reason) => tell('lost', reason),
    onReplaced: () => tell('replaced'),
    onBack: () => tell('back'),
    ...(device === undefined
      ? { look: lookDefault }
      : { look: lookNamed, isMissing, spawnSubstitute: () => start(undefined) }),
  })
}
