import { z } from 'zod'
import { keys, line, listOf, name, time } from '../../yaml/values.ts'

// The shape of a *.check.yaml, from which docs/check.schema.json is made: descriptions are what an editor shows.

const text = z.string().trim().min(1, 'this is empty').max(500)
const share = text.regex(/^\d+(\.\d+)?\s*%$/, {
  error: ({ input }) => `"${input}" is no share: write a percentage such as 5%`,
})

const networkShape = keys('network', {
  loss: share.optional().describe('Packets lost one by one, in either direction: 5%'),
  jitter: time.optional().describe('Up to so much more delay, evenly spread: 30ms'),
  delay: time.optional().describe('Delay in each direction: 60ms'),
})

const actorShape = z.union([
  z.null(),
  keys('an actor', {
    role: z
      .enum(['host', 'speaker', 'listener'])
      .optional()
      .describe(
        'host opens the room and moderates; speaker may speak as soon as it is there; listener only hears. Default: listener',
      ),
    plays: text
      .optional()
      .describe(
        'What it says while its microphone is open: tone 523Hz -20dBFS, markers, or a sound file beside this file',
      ),
    network: networkShape.optional().describe('A bad network, for this actor alone'),
  }),
])

const stepShape = z.union([
  text,
  keys('a step', {
    do: text.describe('What is done: ana invites bob'),
    name: name.optional().describe('What expectations call this moment'),
  }),
])

const hearShape = keys('an expectation on sound', {
  within: text.optional().describe('Until the first sound: 2s, or 1s of "bob unmutes"'),
  'start-cut': time.optional().describe('How much of the beginning may be missing: 120ms'),
  'longest-gap': time.optional().describe('60ms'),
  gaps: share.optional().describe('How much of what was said may be missing in all: 2%'),
  level: text.optional().describe('How loud it is heard: -20 +-3 dB'),
  delay: keys('delay', { p50: time.optional(), p95: time.optional(), p99: time.optional() })
    .optional()
    .describe('From mouth to ear: {p95: 300ms}'),
  'never-after': text.optional().describe('Not audible from a moment on: "ana mutes bob" + 500ms'),
  like: z
    .union([z.number(), text])
    .optional()
    .describe('How like what was said, or a file, it must be, from 0 to 1: phrase.wav >= 0.85'),
  copies: z.int().min(1).max(1).optional().describe('1: nothing is heard twice'),
  from: text.optional().describe('Only from a moment on: "bob unmutes" + 1s'),
  until: text.optional().describe('Only until a moment'),
})
export type HearShape = z.output<typeof hearShape>

const people = z.union([z.array(name), name.transform((one) => [one])])
const roomShape = keys('room', {
  at: text.optional().describe('A moment: "ana mutes bob" + 1s. Default: after the last step'),
  roster: people.optional().describe('All who are there'),
  moderators: people.optional(),
  speakers: people.optional().describe('All on stage, moderators among them'),
  listeners: people.optional(),
  hands: people.optional().describe('Whose hands are up'),
  muted: people.optional().describe('These are muted; others may be'),
  unmuted: people.optional().describe('These are not muted; others may be'),
  reconnects: z.int().min(0).optional().describe('How often somebody lost the connection and came back'),
  ended: z.boolean().optional().describe('Whether the room was ended'),
})
export type RoomShape = z.output<typeof roomShape>

/** The key of a map says who hears whom: it is read later. */
const expectationShape = z.union([
  text,
  z.record(z.string(), z.unknown(), {
    error: 'an expectation is a sentence, or a sentence with limits: cy hears ana: {within: 2s}',
  }),
])
export const expectationShapes = { hears: hearShape, room: roomShape }

const checkOf = <T extends z.ZodType>(expectation: T) =>
  keys('a check', {
    check: line(120).describe('What is checked, in a few words'),
    livekit: z
      .url({ protocol: /^(wss?|https?)$/, error: 'this is the address of a LiveKit server: wss://…' })
      .optional()
      .describe('A LiveKit server to check, by LIVEKIT_API_KEY and LIVEKIT_API_SECRET; without it a roomtone server'),
    seed: z.int().min(0).max(2_147_483_647).optional().describe('For the chances of bad networks. Default: 1'),
    actors: z.record(name, actorShape).describe('Who takes part, each by a name'),
    steps: z.array(stepShape).min(1, 'nothing happens').max(500).describe('What is done, one after the other'),
    expect: listOf(expectation).describe('What must be heard, and how the room must be'),
  })

export const checkShape = checkOf(expectationShape)
export type CheckShape = z.output<typeof checkShape>

/** The whole of a check file, for editors. */
export const publishedCheck = checkOf(
  z.union([text, keys('an expectation', { room: roomShape }), z.record(z.string(), z.union([hearShape, z.null()]))]),
)
