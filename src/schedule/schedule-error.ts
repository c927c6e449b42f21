import type { Schedule } from './schedule.ts'

/** What is wrong with a schedule, in one sentence, and in which of its fields. */
export type ScheduleProblem = { field: keyof Schedule; message: string }

/** The same as an error: `code` is `bad-schedule`. */
export const scheduleError = (field: keyof Schedule, message: string): Error & ScheduleProblem & { code: string } =>
  Object.assign(new Error(message), { code: 'bad-schedule', field })

/** Runs `work`; a problem of the schedule is returned, anything else is a defect and thrown on. */
export const problemOf = (work: () => unknown): ScheduleProblem | null => {
  try {
    work()
    return null
  } catch (error) {
    const { code, field, message } = error as Error & ScheduleProblem & { code?: string }
    if (code !== 'bad-schedule') throw error
    return { field, message }
  }
}
