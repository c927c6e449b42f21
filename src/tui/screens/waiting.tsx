import type { Model } from '../model.ts'
import { Say } from '../theme.tsx'
import { clockTime, ending, secondsUntil } from '../words.ts'
import { Centered, Page } from './page.tsx'

type Line = { text: string; strong?: boolean }

/** The screens that have nothing to choose from: starting, joining, no server, the end of a room. */
export const Waiting = ({ model }: { model: Model }) => (
  <Page
    model={model}
    left={<Say tone="strong">roomtone</Say>}
    right={model.account ? `@${model.account.handle}` : ''}
    logRows={0}
    body={(size) => <Centered {...size} lines={linesFor(model)} />}
  />
)

const linesFor = (model: Model): Line[] => {
  switch (model.screen) {
    case 'joining':
      return [{ text: `Joining ${model.joiningTitle}`, strong: true }, { text: 'You enter muted.' }]
    case 'offline':
      return offlineLines(model)
    case 'ended':
      return endedLines(model)
    default:
      return [{ text: `Connecting to ${model.server}` }]
  }
}

const offlineLines = ({ offline, server, nowMs }: Model): Line[] => {
  if (!offline) return []
  const next = Number.isFinite(offline.retryAtMs)
    ? `Next try in ${secondsUntil(new Date(offline.retryAtMs).toISOString(), nowMs)} s.`
    : 'Trying now.'
  return [
    { text: 'No server', strong: true },
    { text: server },
    { text: offline.cause },
    { text: `Since ${clockTime(new Date(offline.sinceMs).toISOString())}. ${next}` },
  ]
}

const endedLines = ({ ended }: Model): Line[] => {
  if (!ended) return []
  const { what, next } = ending(ended.reason, ended.by, ended.isByYou)
  const length = ended.minutes === null || ended.minutes < 1 ? [] : [{ text: `It was live for ${ended.minutes} min.` }]
  return [{ text: ended.title, strong: true }, { text: what }, ...length, { text: next }]
}
