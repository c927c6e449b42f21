import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'

export const addConfig = (program: Command, context: Context): void => {
  const config = program.command('config').description('read and write the settings of this account on this machine')
  config
    .command('list')
    .description('every setting, its value and where that comes from')
    .option('--json', 'one JSON document')
    .action((options) => listSettings(context, options))
  config
    .command('get <key>')
    .description('one value')
    .option('--json', 'one JSON document')
    .action((key, options) => getSetting(context, key, options))
  config
    .command('set <key> [value]')
    .description('write a value; without one: back to the default')
    .action((key, value) => setSetting(context, key, value))
  config
    .command('path')
    .description('the file that holds them')
    .action(async () => context.output.line((await context.settings()).userFile))
  config
    .command('keys')
    .description('the keys of the full screen, as a file to change them: roomtone config keys >FILE')
    .option('--path', 'where that file belongs')
    .action((options) => showKeys(context, options))
}

const showKeys = async (context: Context, options: { path?: boolean }) => {
  const { keyFile, readKeyFile } = await import('../key-file.ts')
  if (options.path) return context.output.line(keyFile(context))
  const { keyFileText } = await import('../../tui/bindings.ts')
  const { table, problem } = await readKeyFile(keyFile(context))
  if (problem !== undefined) context.output.problem(failure('bad-config', problem))
  context.output.line(keyFileText(table).trimEnd())
}

const listSettings = async (context: Context, options: { json?: boolean }) => {
  const settings = (await context.settings()).list()
  if (options.json) return context.output.json({ settings })
  context.output.table(
    ['setting', 'value', 'from'],
    settings.map(({ key, value, origin }) => [key, value, context.output.paint('dim', origin)]),
  )
}

const getSetting = async (context: Context, text: string, options: { json?: boolean }) => {
  const { settingKey } = await import('../settings.ts')
  const key = settingKey(text)
  const setting = (await context.settings()).get(key)
  if (!setting) throw failure('not-found', `"${key}" is not set`)
  if (options.json) return context.output.json(setting)
  context.output.line(setting.value)
}

const setSetting = async (context: Context, text: string, value: string | undefined) => {
  const { settingKey } = await import('../settings.ts')
  await (await context.settings()).set(settingKey(text), value)
}
