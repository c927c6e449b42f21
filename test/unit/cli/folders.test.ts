import { expect, it } from 'vitest'
import { foldersOf } from '../../../src/cli/folders.ts'

it('keeps everything under ROOMTONE_HOME', () => {
  const folders = foldersOf({ ROOMTONE_HOME: '/h', XDG_STATE_HOME: '/other' }, 'linux')
  expect(folders).toEqual({ config: '/h', data: '/h/data', state: '/h/state', sockets: '/h/run' })
})

it("follows the system's folders otherwise", () => {
  expect(foldersOf({ HOME: '/u', XDG_RUNTIME_DIR: '/run/user/1' }, 'linux')).toEqual({
    config: '/u/.config/roomtone',
    data: '/u/.local/share/roomtone',
    state: '/u/.local/state/roomtone',
    sockets: '/run/user/1/roomtone',
  })
  expect(foldersOf({ HOME: '/u' }, 'darwin').config).toBe('/u/Library/Application Support/roomtone')
})

it('finds a short place for sockets when the home has a long path', () => {
  const { sockets } = foldersOf({ ROOMTONE_HOME: `/${'long/'.repeat(30)}` }, 'linux')
  expect(sockets.length).toBeLessThan(60)
})
