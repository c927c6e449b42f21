import type { Context } from './context.ts'
import { failure } from './failure.ts'
import { tellSeats } from './seat.ts'

/** Remembers in the user config whether a microphone's noise is taken out; running seats go over to it. */
export const chooseNoise = async (context: Context, word: string): Promise<void> => {
  if (word !== 'on' && word !== 'off') throw failure('bad-input', `noise suppression is on or off, not "${word}"`)
  await (await context.settings()).set('noise', word)
  await tellSeats(context, { verb: 'noise', on: word === 'on' })
  context.output.note(`Noise suppression ${word}`)
}
