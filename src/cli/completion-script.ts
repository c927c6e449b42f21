import type { Command } from 'commander'
import { failure } from './failure.ts'

/** A completion script made from the tree of commands, so that it never names what is not there. */
export const completionScript = (program: Command, shell: string): string => {
  const make = shells[shell]
  if (!make) throw failure('bad-input', `no completion for "${shell}": there are ${Object.keys(shells).join(', ')}`)
  return make(nodesOf(program, []))
}

/** One place in the tree: the words that lead there and what may follow. */
type Node = { path: string[]; description: string; commands: { name: string; description: string }[]; options: Flag[] }
type Flag = { name: string; description: string; takesValue: boolean }

const nodesOf = (command: Command, path: string[]): Node[] => {
  const helper = command.createHelp()
  helper.showGlobalOptions = true
  const children = helper.visibleCommands(command).filter((child) => child.name() !== 'help')
  const flags = [...helper.visibleOptions(command), ...helper.visibleGlobalOptions(command)]
  const node = {
    path,
    description: command.description(),
    commands: children.map((child) => ({ name: child.name(), description: child.description() })),
    options: flags
      .filter((option) => option.long !== undefined)
      .map((option) => ({ name: option.long!, description: option.description, takesValue: option.required })),
  }
  return [node, ...children.flatMap((child) => nodesOf(child, [...path, child.name()]))]
}

const words = (node: Node): string =>
  [...node.commands.map(({ name }) => name), ...node.options.map(({ name }) => name)].join(' ')

const bash = (nodes: Node[]): string => `# roomtone completion for bash
_roomtone() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $(_roomtone_commands "$path") " in *" $word "*) path="\${path:+$path }$word" ;; esac
  done
  COMPREPLY=($(compgen -W "$(_roomtone_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_roomtone_commands() {
  case "$1" in
${nodes.map((node) => `    "${node.path.join(' ')}") echo "${node.commands.map(({ name }) => name).join(' ')}" ;;`).join('\n')}
  esac
}
_roomtone_words() {
  case "$1" in
${nodes.map((node) => `    "${node.path.join(' ')}") echo "${words(node)}" ;;`).join('\n')}
  esac
}
complete -F _roomtone roomtone`

const quoted = (text: string): string => `'${text.replaceAll("'", '’').replaceAll(':', '\\:')}'`

const zsh = (nodes: Node[]): string => `#compdef roomtone
_roomtone() {
  local path="" word
  local -a choices
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    case "$path $word" in
${nodes
  .filter((node) => node.path.length > 0)
  .map((node) => `      "${node.path.slice(0, -1).join(' ')} ${node.path.at(-1)}") path="${node.path.join(' ')}" ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${nodes
  .map(
    (node) =>
      `    "${node.path.join(' ')}") choices=(${[...node.commands, ...node.options]
        .map(({ name, description }) => quoted(name) + quoted(`:${description}`).replace("'\\:", "':"))
        .join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  _describe 'roomtone' choices || _files
}
compdef _roomtone roomtone`

const fish = (nodes: Node[]): string => {
  const single = (text: string) => `'${text.replaceAll("'", '’')}'`
  const condition = (node: Node) =>
    node.path.length === 0
      ? '__fish_use_subcommand'
      : node.path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
  return [
    '# roomtone completion for fish',
    'complete -c roomtone -f',
    ...nodes.flatMap((node) => [
      ...node.commands.map(
        ({ name, description }) =>
          `complete -c roomtone -n ${single(condition(node))} -a ${name} -d ${single(description)}`,
      ),
      ...node.options.map(
        ({ name, description, takesValue }) =>
          `complete -c roomtone -n ${single(condition(node))} -l ${name.slice(2)} -d ${single(description)}${takesValue ? ' -r' : ''}`,
      ),
    ]),
  ].join('\n')
}

const shells: Record<string, (nodes: Node[]) => string> = { bash, zsh, fish }
