import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { addAttach } from './commands/attach.ts'
import { addBot } from './commands/bot.ts'
import { addCheck } from './commands/check.ts'
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addDeafen } from './commands/deafen.ts'
import { addDemo } from './commands/demo.ts'
import { addDevices } from './commands/devices.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEvent } from './commands/event.ts'
import { addHallway } from './commands/hallway.ts'
import { addHand } from './commands/hand.ts'
import { addInvitation } from './commands/invitation.ts'
import { addJoin } from './commands/join.ts'
import { addLeave } from './commands/leave.ts'
import { addLogin } from './commands/login.ts'
import { addLogout } from './commands/logout.ts'
import { addMute } from './commands/mute.ts'
import { addNoise } from './commands/noise.ts'
import { addRoom } from './commands/room.ts'
import { addRooms } from './commands/rooms.ts'
import { addServe } from './commands/serve.ts'
import { addServer } from './commands/server.ts'
import { addSessions } from './commands/sessions.ts'
import { addSilence } from './commands/silence.ts'
import { addStage } from './commands/stage.ts'
import { addStatus } from './commands/status.ts'
import { addStepDown } from './commands/step-down.ts'
import { addTalk } from './commands/talk.ts'
import { addToken } from './commands/token.ts'
import { addVolume } from './commands/volume.ts'
import { addWhoami } from './commands/whoami.ts'
import { type ContextControl, createContext, type GlobalFlags } from './context.ts'
import { codeOf, exitCodeOf, failure } from './failure.ts'

/** Runs one command; `argv` without node and script. Returns the exit code, prints everything itself. */
export const main = async (argv: readonly string[]): Promise<number> => {
  const control = createContext({
    env: process.env,
    version: packageJson.version,
    program: process.argv[1] ?? '',
    workingFolder: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  })
  const stop = watchProcess(control)
  try {
    return await Promise.race([runCommand(control, argv), stop.stopped])
  } finally {
    stop.close()
    await control.close().catch((error) => control.context.output.detail(String(error)))
    closeLostTerminal()
  }
}

/** The tree of commands. Each file of commands/ adds its own, and loads what it needs when it runs. */
const buildProgram = (control: ContextControl): Command => {
  const { context } = control
  const program = new Command('roomtone')
    .description('Drop-in audio rooms in the terminal')
    .version(packageJson.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help')
    .option('--server <url>', 'the server to use (else ROOMTONE_SERVER, config, or one on this machine)')
    .option('--profile <name>', 'which of several accounts')
    .addHelpText('after', '\nWithout a command: the hallway, on the full screen of a terminal, in lines on a pipe.')
    .option('--plain', 'lines instead of the full screen')
    .option('--quiet', 'results only')
    .option('--verbose', 'say more, with stack traces')
    .option('--no-color', 'no colour')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'roomtone: ')) })
    .showHelpAfterError('(--help shows the usage)')
    .exitOverride()
    .hook('preAction', (root, command) => {
      refuseBlanks(command)
      control.setFlags(root.opts<GlobalFlags>())
    })
  for (const add of commands) add(program, context)
  return program
}

/** What is empty is a variable that was never set: it names nothing, and must not fit everything. */
const refuseBlanks = (command: Command): void => {
  const given: [name: string, value: unknown][] = command.registeredArguments.map((argument, index) => [
    `<${argument.name()}>`,
    command.processedArgs[index],
  ])
  for (let each: Command | null = command; each; each = each.parent)
    for (const option of each.options)
      given.push([option.long ?? option.flags, each.getOptionValue(option.attributeName())])
  for (const [name, value] of given)
    if ([value].flat().some((text) => typeof text === 'string' && text.trim() === ''))
      throw failure('bad-input', `${name} must not be empty`)
}

/** In the order of help. */
const commands = [
  addLogin,
  addLogout,
  addWhoami,
  addSessions,
  addToken,
  addRooms,
  addRoom,
  addEvent,
  addJoin,
  addAttach,
  addStatus,
  addMute,
  addTalk,
  addNoise,
  addDeafen,
  addHand,
  addInvitation,
  addVolume,
  addSilence,
  addStepDown,
  addLeave,
  addStage,
  addBot,
  addCheck,
  addDemo,
  addServe,
  addServer,
  addDevices,
  addDoctor,
  addConfig,
  addCompletion,
  // Names no command, but takes any word: none of the others may inherit that.
  addHallway,
]

const runCommand = async (control: ContextControl, argv: readonly string[]): Promise<number> => {
  const program = buildProgram(control)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return control.exitCode()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (codeOf(error) !== 'interrupted') control.context.output.problem(error)
    return exitCodeOf(error)
  }
}

const ABANDON_MS = 500
const interruptSignals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Resolves when a signal or a closed stdout ends a command that has not taken that over. */
const watchProcess = (control: ContextControl) => {
  let resolve: (code: number) => void = () => {}
  const stopped = new Promise<number>((done) => {
    resolve = done
  })
  const stop = (code: number) => {
    resolve(code)
    // What the command was waiting for must not hold the process; unless it does, this never fires.
    setTimeout(() => process.exit(code), ABANDON_MS).unref()
  }
  let signals = 0
  const onSignal = (signal: NodeJS.Signals) => {
    signals++
    // Who asks twice does not want to wait for an orderly end.
    if (!control.interrupt(signal) || signals > 1) stop(130)
  }
  const onOutputError = (error: NodeJS.ErrnoException) => {
    // EIO: a terminal that was closed.
    const isGone = error.code === 'EPIPE' || error.code === 'EIO'
    if (isGone && control.outputClosed()) return
    if (!isGone) control.context.output.problem(error)
    stop(isGone ? 0 : exitCodeOf(error))
  }
  const ignore = () => {}
  for (const signal of interruptSignals) process.on(signal, onSignal)
  process.stdout.on('error', onOutputError)
  process.stderr.on('error', ignore)
  return {
    stopped,
    close: () => {
      for (const signal of interruptSignals) process.off(signal, onSignal)
    },
  }
}

/** Node restores terminals when it ends, and aborts over one that is gone; what was closed it leaves alone. */
const closeLostTerminal = (): void => {
  for (const { fd, isTTY } of [process.stdin, process.stdout, process.stderr])
    if (isTTY && !isatty(fd))
      try {
        closeSync(fd)
      } catch {
        // Closed already.
      }
}
