import { expect, test } from 'vitest'
import { createSpeakerDetector, SPEAKER_INTERVAL_MS } from '../../../src/sfu/speakers.ts'

const speak = (
  detector: ReturnType<typeof createSpeakerDetector>,
  who: string,
  level: number,
  ms = SPEAKER_INTERVAL_MS,
): void => {
  for (let at = 0; at < ms; at += 20) detector.observe(`TR_${who}`, who, level, 20)
}

test('who is loud for most of the interval speaks, the loudest first', () => {
  const detector = createSpeakerDetector()
  speak(detector, 'soft', 25)
  speak(detector, 'loud', 5)
  speak(detector, 'silent', 90)
  speak(detector, 'click', 5, 60)
  expect(detector.update().map(({ participantSid, active }) => [participantSid, active])).toEqual([
    ['soft', true],
    ['loud', true],
  ])
  expect(detector.active().map(({ participantSid }) => participantSid)).toEqual(['loud', 'soft'])
})

test('an even voice makes no further change, and silence ends it once', () => {
  const detector = createSpeakerDetector()
  for (let i = 0; i < 10; i += 1) {
    speak(detector, 'a', 20)
    detector.update()
  }
  speak(detector, 'a', 20)
  expect(detector.update()).toEqual([])
  const ends = Array.from({ length: 10 }, () => detector.update())
    .flat()
    .filter(({ active }) => !active)
  expect(ends).toEqual([{ participantSid: 'a', level: 0, active: false }])
})

test('a track that is gone speaks no more', () => {
  const detector = createSpeakerDetector()
  speak(detector, 'a', 10)
  detector.update()
  detector.forget('TR_a')
  expect(detector.update()).toEqual([{ participantSid: 'a', level: 0, active: false }])
})
