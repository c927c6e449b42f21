import type { SeatState } from '../../protocol/seat.ts'
import { count, listNames } from '../words.ts'
import { stageSentence } from './answers.ts'

import type { NewsKind } from './kinds.ts'

export type News = {
  kind: NewsKind | 'you'
  /** What happened, in the words of a line about several; `heard`, `room` and `playing`: what the newest replaces. */
  topic: string
  /** Who it is about; may be empty. */
  name: string
  text: string
}

/** So many lines in a row are said as they come; then what comes until a pause is over becomes one line. */
type Pace = { linesAtOnce: number; pausesMs: number[] }

const important: Pace = { linesAtOnce: 3, pausesMs: [3_000, 6_000, 12_000] }
const chatty: Pace = { linesAtOnce: 1, pausesMs: [4_000, 12_000, 30_000] }
const paces: Record<NewsKind, Pace> = {
  stage: important,
  hands: important,
  room: important,
  audience: chatty,
  speaking: chatty,
  mutes: chatty,
  heard: chatty,
  playing: chatty,
  rooms: chatty,
}

export type NewsDesk = {
  take: (news: News) => void
  /** Says now what waits for the end of a pause. */
  flush: () => void
  close: () => void
}

type Channel = { linesSaid: number; pauses: number; waiting: News[]; timer: NodeJS.Timeout }

/** Says news at a pace that can be listened to: what concerns you at once, the rest with pauses that grow in a burst. */
export const startNews = (options: {
  say: (text: string, isAboutYou: boolean) => void
  isTold: (kind: News['kind']) => boolean
  /** For the numbers in a line about several; undefined outside a room. */
  state: () => SeatState | undefined
}): NewsDesk => {
  const { say } = options
  const channels = new Map<NewsKind, Channel>()

  const pause = (kind: NewsKind, pauses: number): NodeJS.Timeout => {
    const { pausesMs } = paces[kind]
    return setTimeout(() => goOn(kind), pausesMs[Math.min(pauses, pausesMs.length - 1)])
  }
  const goOn = (kind: NewsKind) => {
    const channel = channels.get(kind)
    if (!channel || channel.waiting.length === 0) return void channels.delete(kind)
    say(oneLine(kind, channel.waiting, options.state()), false)
    const pauses = channel.pauses + 1
    channels.set(kind, { ...channel, waiting: [], pauses, timer: pause(kind, pauses) })
  }

  return {
    take: (news) => {
      const { kind, text } = news
      if (kind === 'you') return say(text, true)
      if (!options.isTold(kind)) return
      const channel = channels.get(kind)
      if (channel && (channel.pauses > 0 || channel.linesSaid >= paces[kind].linesAtOnce))
        return void channel.waiting.push(news)
      if (channel) channel.linesSaid += 1
      else channels.set(kind, { linesSaid: 1, pauses: 0, waiting: [], timer: pause(kind, 0) })
      say(text, false)
    },
    flush: () => {
      for (const [kind, channel] of channels) {
        if (channel.waiting.length === 0) continue
        say(oneLine(kind, channel.waiting, options.state()), false)
        channels.set(kind, { ...channel, waiting: [] })
      }
    },
    close: () => {
      for (const { timer } of channels.values()) clearTimeout(timer)
      channels.clear()
    },
  }
}

/** Several of a kind in one line: names while they are few, else numbers. */
const oneLine = (kind: NewsKind, news: News[], state: SeatState | undefined): string => {
  if (news.length === 1) return news[0]!.text
  if (kind === 'heard' || kind === 'room' || kind === 'playing')
    return [...new Map(news.map(({ topic, text }) => [topic, text])).values()].join(' ')
  if (kind === 'stage') return `${count(news.length, 'change')} on stage. ${state ? stageSentence(state) : ''}`.trim()
  const byTopic = new Map<string, string[]>()
  for (const { topic, name } of news) byTopic.set(topic, [...(byTopic.get(topic) ?? []), name])
  const told = [...byTopic].map(([topic, names]) => `${whoOf(kind, names)} ${topic}`).join('; ')
  return `${told}.${state ? afterwards(kind, state) : ''}`
}

const whoOf = (kind: NewsKind, names: string[]): string => {
  const distinct = [...new Set(names)]
  if (distinct.length <= 3) return listNames(distinct)
  return kind === 'rooms' ? count(distinct.length, 'room') : count(distinct.length, 'person', 'people')
}

const afterwards = (kind: NewsKind, { counts, hands }: SeatState): string => {
  if (kind === 'audience') return ` ${count(counts.listeners, 'listener')} now.`
  return kind === 'hands' ? ` ${count(hands.length, 'hand')} up now.` : ''
}
