import { type Figure, type MetricName, metricNames } from './swarm-figures.ts'

/** One limit in k6's manner: `delay: p(95)<300`, `loss: rate<1%`, `first-audio: max<=2s`. */
export type Threshold = {
  text: string
  metric: MetricName
  aggregate: Exclude<keyof Figure, 'count'>
  operator: keyof typeof operators
  /** ms, a share of 1, or MOS. */
  limit: number
}

const operators = {
  '<': (value: number, limit: number) => value < limit,
  '<=': (value: number, limit: number) => value <= limit,
  '>': (value: number, limit: number) => value > limit,
  '>=': (value: number, limit: number) => value >= limit,
  '==': (value: number, limit: number) => value === limit,
}

const aggregates: Record<string, Threshold['aggregate']> = {
  min: 'min',
  max: 'max',
  med: 'p50',
  rate: 'rate',
  'p(50)': 'p50',
  'p(95)': 'p95',
  'p(99)': 'p99',
}

const form = /^([a-z-]+)\s*:\s*(p\(\d+\)|[a-z]+)\s*(<=|>=|==|<|>)\s*(\d+(?:\.\d+)?)\s*(ms|s|%)?$/

/** Throws an Error with code `bad-input` that says what is wrong. */
export const parseThreshold = (text: string): Threshold => {
  const [, metric = '', aggregate = '', operator = '', number = '', unit] = form.exec(text.trim()) ?? []
  if (metric === '') throw wrong(text, `is not like delay:p(95)<300 or loss:rate<1%`)
  if (!(metricNames as readonly string[]).includes(metric))
    throw wrong(text, `names no metric: there are ${metricNames.join(', ')}`)
  const key = Object.hasOwn(aggregates, aggregate) ? aggregates[aggregate] : undefined
  if (key === undefined) throw wrong(text, `wants one of ${Object.keys(aggregates).join(', ')}`)
  if (key === 'rate' && !hasRate(metric))
    throw wrong(text, 'wants a rate, which only join, loss, concealment and heard have')
  const isShare = key === 'rate' || metric === 'loss' || metric === 'concealment' || metric === 'heard'
  const fits = unit === undefined || (isShare ? unit === '%' : metric !== 'mos' && unit !== '%')
  if (!fits) throw wrong(text, isShare ? 'wants a share such as 0.01 or 1%' : `cannot be in ${unit}`)
  const factor = { ms: 1, s: 1000, '%': 0.01 }[unit ?? 'ms'] ?? 1
  return {
    text: text.trim(),
    metric: metric as MetricName,
    aggregate: key,
    operator: operator as Threshold['operator'],
    limit: Number(number) * factor,
  }
}

const hasRate = (metric: string): boolean => ['join', 'loss', 'concealment', 'heard'].includes(metric)

export const keeps = ({ operator, limit }: Threshold, value: number): boolean => operators[operator](value, limit)

const wrong = (text: string, what: string): Error =>
  Object.assign(new Error(`the threshold "${text}" ${what}`), { code: 'bad-input' })
