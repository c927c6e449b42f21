import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCues, switchCue } from '../../../src/cli/cues.ts'
import { openSettings } from '../../../src/cli/settings.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rt-settings-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (env: NodeJS.ProcessEnv = {}) => openSettings({ configFolder: folder, workingFolder: folder, env })
const user = (text: string) => writeFileSync(join(folder, 'config.json'), text)
const project = (text: string) => writeFileSync(join(folder, 'roomtone.yaml'), text)

describe('precedence', () => {
  it('is environment, project file, user config, default', async () => {
    expect((await open()).get('profile')).toEqual({ key: 'profile', value: 'default', origin: 'default' })
    user('{"profile":"u"}')
    expect((await open()).get('profile')?.origin).toBe('user')
    project('profile: p')
    expect((await open()).get('profile')).toMatchObject({ value: 'p', origin: 'project' })
    expect((await open({ ROOMTONE_PROFILE: 'e' })).get('profile')).toMatchObject({ value: 'e', origin: 'environment' })
  })
})

describe('writing', () => {
  it('keeps what was set, for its owner alone', async () => {
    await (await open()).set('server', 'https://rooms.example.org')
    expect((await open()).get('server')?.value).toBe('https://rooms.example.org')
    await (await open()).set('server', undefined)
    expect((await open()).get('server')).toBeUndefined()
  })

  it('refuses a value that does not fit', async () => {
    await expect((await open()).set('face', 'round')).rejects.toMatchObject({ code: 'bad-input' })
    for (const cues of ['bell', 'all,open', 'open,,back', ''])
      await expect((await open()).set('cues', cues)).rejects.toMatchObject({ code: 'bad-input' })
    for (const decibels of ['0', '41', '-6', '6.5', 'loud'])
      await expect((await open()).set('ducking', decibels)).rejects.toMatchObject({ code: 'bad-input' })
    await expect((await open()).set('server', 'ftp://x')).rejects.toMatchObject({ code: 'bad-input' })
  })
})

describe('a corrupt file', () => {
  it.each([
    ['{"server": ', /config\.json is not a JSON object of settings/],
    ['[1]', /config\.json is not a JSON object of settings/],
    ['{"colour":"red"}', /unknown setting "colour"/],
    ['{"server": 1}', /"server" must be a text/],
  ])('%s is told by name and left as it is', async (text, sentence) => {
    user(text)
    await expect(open()).rejects.toMatchObject({ code: 'bad-config', message: expect.stringMatching(sentence) })
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe(text)
  })

  it('is told of the project too', async () => {
    project('server: [')
    await expect(open()).rejects.toMatchObject({ code: 'bad-config', message: expect.stringMatching(/roomtone\.yaml/) })
  })
})

describe('cues', () => {
  it('are all, none, or those that are named', () => {
    expect(readCues('all')).toEqual(['open', 'closed', 'invited', 'reconnecting', 'back', 'removed'])
    expect(readCues('none')).toEqual([])
    expect(readCues('removed, open')).toEqual(['open', 'removed'])
  })

  it('are switched one by one', () => {
    const without = switchCue('all', 'closed', false)
    expect(without).toBe('open,invited,reconnecting,back,removed')
    expect(switchCue(without, 'closed', true)).toBe('all')
    expect(switchCue('open', 'open', false)).toBe('none')
    expect(switchCue('none', 'back', true)).toBe('back')
  })
})
