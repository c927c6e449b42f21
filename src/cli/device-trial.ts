import { startFrameClock } from '../audio/clock.ts'
import { openMicrophone, openSpeaker } from '../audio/devices.ts'
import { createFrame } from '../audio/frame.ts'
import { levelDb } from '../audio/level.ts'
import { parseSinkSpec } from '../audio/sinks/sink.ts'
import { parseSourceSpec } from '../audio/sources/source.ts'
import { createToneSource } from '../audio/sources/tone.ts'
import type { DeviceDesk } from '../tui/deps.ts'
import type { DeviceKind, TrialKind } from '../tui/model.ts'
import type { Context } from './context.ts'
import { deviceOptions } from './devices.ts'
import { failure } from './failure.ts'

const trialMs = { tone: 2_000, microphone: 30_000, loopback: 30_000 }
const levelEveryFrames = 10

/** Opens the chosen devices for a while. What the microphone gives goes to its owner's speaker at most. */
export const tryDevice = async (
  context: Context,
  what: TrialKind,
  { onLevel, onEnd }: Parameters<DeviceDesk['try']>[1],
): ReturnType<DeviceDesk['try']> => {
  const options = await deviceOptions(context)
  const microphone = what === 'tone' ? undefined : await openMicrophone(await chosen(context, 'microphone'), options)
  const speaker =
    what === 'microphone'
      ? undefined
      : await openSpeaker(await chosen(context, 'speaker'), { ...options, channels: 1 }).catch(async (error) => {
          await microphone?.close()
          throw error
        })
  const tone = createToneSource({ hz: 440 })
  const frame = createFrame(1)
  let loudest = -100
  const clock = startFrameClock({
    onFrame: (index) => {
      const source = microphone ?? tone
      if (source.read(frame) !== 'frame') frame.fill(0)
      speaker?.write(frame)
      loudest = Math.max(loudest, levelDb(frame))
      if (index % levelEveryFrames !== 0) return
      if (microphone) onLevel(loudest)
      loudest = -100
    },
  })
  const close = () => {
    clearTimeout(timer)
    clock.close()
    void Promise.allSettled([microphone?.close(), speaker?.close()])
  }
  const timer = setTimeout(onEnd, trialMs[what])
  context.onClose(close)
  return { close }
}

/** The device of the settings; a file or a tone is none. */
const chosen = async (context: Context, kind: DeviceKind): Promise<string> => {
  const name = (await context.setting(kind)) ?? 'default'
  const spec = kind === 'microphone' ? parseSourceSpec(name) : parseSinkSpec(name)
  if (spec.kind !== 'device')
    throw failure('bad-input', `the ${kind} is set to ${name}, which is no device: choose one`)
  return name
}
