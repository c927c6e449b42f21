import { measure } from './measure.ts'
import type { MeasureAnswer } from './measure-process.ts'

// One file after the other: the other cores are for sound.
let turn = Promise.resolve()

process.on('message', ({ path }: { path: string }) => {
  turn = turn.then(async () => {
    const answer: MeasureAnswer = await measure(path).then(
      (measured) => ({ path, measured }),
      ({ code, message }) => ({ path, code: code ?? 'failed', message }),
    )
    process.send?.(answer)
  })
})
process.on('disconnect', () => process.exit(0))
