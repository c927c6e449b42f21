import { z } from 'zod'
import { asList, decibels, distance, isName, keys, line, listOf, name, path, time } from '../../yaml/values.ts'

// The shape of a *.session.yaml, from which docs/session.schema.json is made: descriptions are what an editor shows.

const MAX_CUES = 5000
const command = z.array(z.string().min(1, 'a part of the command is empty')).min(1, 'the command is empty').max(100)
const variantName = z.string().min(1).max(40)

const roomShape = keys('room', {
  title: line(200)
    .optional()
    .describe('Title of the room; {date} and {time} of the sitting may stand in it. Default: the session’s name'),
  topic: line(60).optional().describe('What the room is about, one or two words'),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'the language is a tag such as de or pt-BR')
    .optional()
    .describe('Language tag: de, en, pt-BR'),
  existing: z
    .string()
    .min(1)
    .max(300)
    .optional()
    .describe('A room that is there already, by id or link; else one is opened'),
  opens: distance.optional().describe('How long before the start the room is opened: -5m. Default: 0'),
  closes: distance.optional().describe('How long after the end it is kept open: 10m. Default: 0'),
  hands: z
    .union([z.enum(['everyone', 'off']), z.array(handle()).min(1, 'the list is empty').max(100)])
    .optional()
    .describe('Who may raise a hand: everyone, off (nobody), or a list of handles. Default: everyone'),
  sound: z.enum(['voice', 'music']).optional().describe('music is stereo, and nothing is suppressed. Default: voice'),
  cohosts: z.array(handle()).max(20).optional().describe('Handles who moderate from the start'),
  bot: line(60).optional().describe('The name of the bot in the room'),
})

function handle() {
  return z
    .string()
    .regex(/^@?[A-Za-z0-9_]{2,30}$/, { error: ({ input }) => `"${input}" is no handle: @name` })
    .transform((given) => given.replace(/^@/, '').toLowerCase())
}

const local = (what: string) =>
  z.string().regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/, { error: ({ input }) => `"${input}" is no ${what}` })

const scheduleShape = keys('schedule', {
  start: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, {
      error: ({ input }) => `"${input}" is no start: local date and time such as 2027-03-01T07:00, without offset`,
    })
    .describe('Local date and time of the first sitting: 2027-03-01T07:00'),
  zone: z.string().min(1).max(60).describe('IANA time zone: Europe/Berlin'),
  rule: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'When it comes again: an RRULE such as FREQ=WEEKLY;BYDAY=MO,WE,FR, or cron such as 0 7 * * 1-5. Without: once',
    ),
  except: z
    .array(local('date: 2027-04-05, or 2027-04-05T07:00'))
    .max(1000)
    .optional()
    .describe('Dates without a sitting'),
  also: z.array(local('date and time: 2027-04-06T08:00')).max(1000).optional().describe('More sittings'),
  gap: z.enum(['skip', 'shift']).optional().describe('A time that the clocks leave out in spring. Default: shift'),
  fold: z.enum(['first', 'second']).optional().describe('A time that comes twice in autumn. Default: first'),
  catchup: time.optional().describe('How late a sitting may still be begun. Default: 10m'),
  variant: variantName.optional().describe('Which variant sits at these times'),
})

const speechShape = keys('speech', {
  engine: z.literal('flite').optional().describe('The voice that ships'),
  command: command
    .optional()
    .describe('A program that speaks: text comes by stdin or as {text}, and {out} is the WAV file it writes'),
  voice: z.string().min(1).max(100).optional().describe('A voice of the engine; of flite: slt, rms, awb, kal'),
  stretch: z.number().min(0.5).max(3).optional().describe('1 is the voice’s own pace, 1.3 a calm one. Default: 1.2'),
})

const duckShape = keys('duck', {
  under: listOf(z.enum(['voice', 'speakers']))
    .optional()
    .describe('voice: what the script says and plays; speakers: people. Default: both'),
  by: decibels.optional().describe('How much quieter: 9dB, the default'),
  attack: time.optional().describe('How long it takes to become quieter. Default: 80ms'),
  release: time.optional().describe('How long it takes to come back. Default: 700ms'),
})

const bedShape = z.union([
  path,
  keys('a bed', {
    file: path.optional().describe('A sound file, beside this file unless the path is absolute'),
    url: z.url({ protocol: /^https?$/, error: 'the url is a web address: https://…' }).optional(),
    loop: z
      .union([z.literal(false), time])
      .optional()
      .describe('The end is faded into the beginning for this long; false: played once. Default: 3s'),
    duck: z
      .union([z.literal(false), decibels, duckShape])
      .optional()
      .describe('Becomes quieter under others: 9dB, or more exactly'),
  }),
])

const itemShape = z.union([
  path,
  keys('an item', {
    file: path.optional(),
    folder: path.optional().describe('All sound files of a folder, by name'),
    list: path.optional().describe('An M3U or PLS list'),
    url: z.url({ protocol: /^https?$/, error: 'the url is a web address: https://…' }).optional(),
    stdin: z.literal(true).optional().describe('What comes by the standard input'),
    weight: z.number().min(0).max(1000).optional().describe('How often among the others, with order: weighted'),
  }),
])

/** Of every cue. */
const cueKeys = {
  at: z
    .union([z.literal('manual'), time])
    .optional()
    .describe('Session time: 1:30, or manual: only when asked for. Without: after the cue before it'),
  'from-end': time.optional().describe('So long before the end: 2m'),
  every: time.optional().describe('Again and again, so far apart: 5m'),
  from: time.optional().describe('The first of every. Default: after the first interval'),
  until: time.optional().describe('The last of every. Default: the end'),
  name: name.optional().describe('For the commands cue NAME and goto NAME'),
  title: line(120).optional().describe('What listeners see'),
  only: listOf(variantName).optional().describe('Only in these variants'),
}
const gain = { gain: decibels.optional().describe('Louder or quieter than usual: -3dB') }

/** By the key that says what the cue does. */
export const cueShapes = {
  play: keys('a play cue', {
    ...cueKeys,
    ...gain,
    play: listOf(itemShape).describe('A file, a folder, a list (.m3u, .pls), a web address, stdin; or a list of them'),
    order: z.enum(['given', 'shuffle', 'weighted']).optional().describe('Default: given'),
    loop: z.boolean().optional().describe('Begins again after the last'),
    for: time.optional().describe('How long at most'),
    crossfade: time.optional().describe('How long one item is faded into the next'),
    'fade-in': time.optional(),
    'fade-out': time.optional(),
  }),
  say: keys('a say cue', {
    ...cueKeys,
    ...gain,
    say: z
      .string()
      .trim()
      .min(1, 'there is nothing to say')
      .max(5000)
      .describe('Spoken text; {listeners}, {date}, {time}, {title} and own vars may stand in it'),
    voice: z.string().min(1).max(100).optional().describe('Another voice than speech has'),
  }),
  bell: keys('a bell cue', {
    ...cueKeys,
    ...gain,
    bell: z
      .union([z.null(), z.literal(true), z.int().min(1).max(108), path])
      .describe('How often the bell that ships is struck, or the file of another bell'),
    times: z.int().min(1).max(108).optional().describe('How often it is struck'),
    apart: time
      .optional()
      .describe('How far apart the strokes are. Default: 8s. With at or from-end, every says it, too'),
  }),
  silence: keys('a silence cue', { ...cueKeys, silence: time.describe('How long nobody says anything') }),
  bed: keys('a bed cue', {
    ...cueKeys,
    bed: z.union([z.literal(false), z.string().min(1).max(100)]).describe('The bed that sounds from here; off: none'),
    fade: time.optional().describe('How long the change takes. Default: 3s'),
  }),
  floor: keys('a floor cue', {
    ...cueKeys,
    floor: time.describe('How long the floor is open: hands are admitted one at a time'),
    each: time.optional().describe('How long each may speak. Default: 2m'),
    'end-bell': z.boolean().optional().describe('A gentle bell says that one’s time is over. Default: true'),
    'without-moderator': z
      .enum(['open', 'skip'])
      .optional()
      .describe('What happens when no human moderator is there. Default: open'),
  }),
  include: keys('an include', {
    include: path.describe('Cues of another file; its 0:00 is at the time given here'),
    at: time.optional(),
    only: cueKeys.only,
  }),
}
export type CueKind = keyof typeof cueShapes
/** A cue as the file has it, read by the shape of its kind. */
export type CueShape<K extends CueKind> = z.output<(typeof cueShapes)[K]>

const varsShape = z
  .record(
    z
      .string()
      .refine(isName, { error: ({ input }) => `"${input}" is no name of a variable: letters, digits and hyphens` }),
    z.union([z.string().max(2000), z.number()]).transform(String),
  )
  .describe('Own variables: {name} in a cue stands for the value')
const bedsShape = z
  .record(z.string().min(1).max(100), bedShape)
  .describe('Ambience that lies under everything, each by a name')
const includeShape = listOf(path)
  .transform((given) => asList(given))
  .describe('Beds and variables of other files')

const partKeys = {
  include: includeShape.optional(),
  vars: varsShape.optional(),
  beds: bedsShape.optional(),
}

const sessionKeys = {
  session: name.describe('The session’s own name, unique for its account'),
  room: z
    .union([line(200), roomShape])
    .optional()
    .describe('The room, or only its title'),
  schedule: scheduleShape.optional(),
  speech: speechShape.optional(),
  ...partKeys,
  end: time.optional().describe('When the session ends. Default: after the last cue'),
  when: keys('when', {
    empty: z.enum(['continue', 'pause', 'end']).optional().describe('Nobody is there. Default: continue'),
    crash: z
      .enum(['clock', 'place'])
      .optional()
      .describe('After a crash: where it should be by the clock, or where it stopped. Default: clock'),
    late: z
      .enum(['shift', 'clock'])
      .optional()
      .describe('After a pause by a human: the rest is later, or goes on where the clock is. Default: shift'),
    ended: z.enum(['end-room', 'keep-room']).optional().describe('After the program. Default: end-room'),
  }).optional(),
  alerts: z
    .array(
      keys('an alert', {
        on: listOf(z.enum(['not-on-air', 'dead-air', 'check-failed', 'unhosted']))
          .optional()
          .describe('Default: all'),
        command: command.optional().describe('A program and its arguments; the alert comes as JSON by stdin'),
        webhook: z.url({ protocol: /^https?$/, error: 'the webhook is a web address: https://…' }).optional(),
      }),
    )
    .max(20)
    .optional()
    .describe('Who is told when something goes wrong; once, and once when it is over'),
}

const sessionOf = <T extends z.ZodType>(cue: T) =>
  keys('a session', {
    ...sessionKeys,
    variants: z
      .record(
        variantName,
        keys('a variant', {
          end: time.optional(),
          vars: varsShape.optional(),
          cues: z
            .record(z.string(), z.union([z.literal(false), rawCue]))
            .optional()
            .describe('Cues by name: keys that are different, or false: left out'),
        }),
      )
      .optional()
      .describe('One script, several lengths: what is different in each. The first is the usual one'),
    cues: z.array(cue).max(MAX_CUES).describe('What happens, in the order of the file'),
  })

const partOf = <T extends z.ZodType>(cue: T) =>
  keys('an included file', { ...partKeys, cues: z.array(cue).max(MAX_CUES).optional() })

/** What a cue holds is read later, by `cueShapes`: it depends on what the cue does, and a variant may change it. */
const rawCue = z.record(z.string(), z.unknown(), { error: 'a cue is keys with values: {at: 1:00, bell: 3}' })

export const sessionShape = sessionOf(rawCue)
export type SessionShape = z.output<typeof sessionShape>
export const partShape = partOf(rawCue)
export type PartShape = z.output<typeof partShape>

const anyCue = z.union(Object.values(cueShapes))

/** The whole of a session file and of an included one, for editors. */
export const publishedShapes = { session: sessionOf(anyCue), part: partOf(anyCue) }
