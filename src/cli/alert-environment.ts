/** What a program that is told of alerts needs to run at all; nothing of ours, no token. */
export const environmentOf = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'].flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  )
