import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { actAlone } from './group.ts'

type Json = { json?: boolean }

export const addDevices = (program: Command, context: Context): void => {
  const devices = program
    .command('devices')
    .description('microphones and speakers')
    .option('--json', 'one JSON document')
  devices
    .command('test [name]')
    .description('play a tone on the speaker, listen to the microphone, say what was there')
    .action(async (name?: string) => (await import('../devices.ts')).testDevices(context, name, devices.opts<Json>()))
  devices
    .command('use <name>')
    .description('take this one from now on; "default" follows the system')
    .action(async (name: string) => (await import('../devices.ts')).chooseDevice(context, name))
  actAlone(devices, async () => (await import('../devices.ts')).showDevices(context, devices.opts<Json>()))
}
