import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { failure } from '../failure.ts'

export const addServer = (program: Command, context: Context): void => {
  const server = program.command('server').description("this machine's server")
  server
    .command('status')
    .description('where it runs and how many are there')
    .option('--json', 'one JSON document')
    .action((options: { json?: boolean }) => serverStatus(context, options))
  server
    .command('stop')
    .description('end it in order')
    .action(() => stop(context))
}

const running = async (context: Context) => {
  const { runningServer } = await import('../local-server.ts')
  const found = await runningServer(context.folders)
  if (!found) throw failure('not-found', 'no server of this account runs on this machine')
  return found
}

const serverStatus = async (context: Context, options: { json?: boolean }) => {
  const { url, pid, isEmbedded, info } = await running(context)
  if (options.json) return context.output.json({ url, pid, startedByCommand: isEmbedded, ...info })
  context.output.facts([
    ['url', url],
    ['pid', String(pid)],
    ['version', info.version],
    ['started', isEmbedded ? 'by a command; ends ten minutes after the last one leaves' : 'by serve'],
    ['text messages', info.sms.gateway ? 'through a gateway' : `${info.sms.door}: codes do not leave this machine`],
    [
      'media',
      info.media.isEmbedded
        ? `embedded, ${workerWords(info.media.workers)}`
        : `${info.media.url}, ${watchWords[info.media.watch]}`,
    ],
    ...(info.media.problem ? [['media trouble', info.media.problem]] : []),
    ['store', info.store],
    ['live rooms', String(info.liveRooms)],
    ['seats', String(info.seats)],
  ])
}

const workerWords = (workers: { all: number; running: number } | null) => {
  const { all, running } = workers ?? { all: 1, running: 1 }
  const words = all === 1 ? 'one worker' : `${all} workers`
  return running === all ? words : `${words}, ${all - running} being started again`
}

/** How the server learns who comes and goes at a LiveKit server. */
export const watchWords = {
  webhooks: 'tells who comes and goes by webhook',
  polling: 'sends no webhooks, so it is looked at once a second',
}

const stop = async (context: Context) => {
  const { stopServer } = await import('../local-server.ts')
  const found = await running(context)
  await stopServer(found)
  context.output.note(`Stopped the server at ${found.url}`)
}
