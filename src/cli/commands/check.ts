import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addCheckJoin } from './check-join.ts'
import { addCheckRoom } from './check-room.ts'
import { addCheckRun } from './check-run.ts'
import { addCheckServer } from './check-server.ts'

export const addCheck = (program: Command, context: Context): void => {
  const check = program.command('check').description('rooms under test: a verdict on what each listener heard')
  addCheckRun(check, context)
  addCheckRoom(check, context)
  addCheckJoin(check, context)
  addCheckServer(check, context)
}
