import { describe, expect, it } from 'vitest'
import { keyTable } from '../../../../src/tui/keys.ts'
import { type LinePlace, lineHelp, parseLine, wordFor } from '../../../../src/tui/lines/vocabulary.ts'

const inRoom = (text: string) => parseLine(text, 'room')
const inHallway = (text: string) => parseLine(text, 'hallway')

describe('typed lines', () => {
  it('have a word for every entry of the key table, wherever its key counts', () => {
    for (const { action, places } of keyTable) {
      const word = wordFor[action]
      expect(word, action).toBeDefined()
      const typed = (place: LinePlace) => (typeof word === 'string' ? word : word[place])
      const both: LinePlace[] = ['hallway', 'room']
      const here = both.filter((place) => places.includes(place))
      const understood = both.filter((place) => !('unknown' in parseLine(typed(place), place)))
      // What has a key on other screens alone (sign-in, a lost room) is typed in the hallway, where lines take one.
      expect(understood, action).toEqual(expect.arrayContaining(here))
      expect(understood, action).not.toEqual([])
    }
  })

  it('reads commands for yourself', () => {
    expect(inRoom('mute')).toEqual({ command: { verb: 'mute' } })
    expect(inRoom('  Hand  How long? ')).toEqual({ command: { verb: 'hand', question: 'How long?' } })
    expect(inRoom('hand')).toEqual({ command: { verb: 'hand' } })
    expect(inRoom('step down')).toEqual({ command: { verb: 'step-down' } })
    expect(inRoom('talk off')).toEqual({ command: { verb: 'talk', on: false } })
    for (const typed of ['volume 80 @omar', 'volume @omar 80', 'volume @omar 80 %'])
      expect(inRoom(typed)).toEqual({ command: { verb: 'volume', percent: 80, who: '@omar' } })
    expect(inRoom('silence Omar K')).toEqual({ command: { verb: 'silence', who: 'Omar K' } })
    expect(inRoom('hear @omar')).toEqual({ command: { verb: 'hear', who: '@omar' } })
    expect(inRoom('end')).toEqual({ command: { verb: 'end-room' } })
  })

  it('reads what a moderator does to others', () => {
    for (const action of ['invite', 'admit', 'mute', 'allow', 'demote', 'kick', 'moderator', 'lower'])
      expect(inRoom(`${action} @omar`)).toEqual({ command: { verb: 'stage', action, who: '@omar' } })
  })

  it('reads the ways through the hallway, a number alone being a room to join', () => {
    expect(inHallway('3')).toEqual({ does: 'join', text: '3' })
    expect(inHallway('open https://example.test/r/1')).toEqual({ does: 'join', text: 'https://example.test/r/1' })
    expect(inHallway('Create Morning Sit')).toEqual({ does: 'create', text: 'Morning Sit' })
    expect(inHallway('search derby')).toEqual({ does: 'search', text: 'derby' })
    expect(inHallway('search')).toEqual({ does: 'list' })
  })

  it('reads what shall be said by itself', () => {
    expect(inRoom('say speaking on')).toEqual({ does: 'say', kind: 'speaking', isOn: true })
    expect(inHallway('say rooms off')).toEqual({ does: 'say', kind: 'rooms', isOn: false })
    expect(inRoom('say pull')).toEqual({ does: 'say', kind: 'pull', isOn: true })
    expect(inRoom('say')).toEqual({ does: 'kinds' })
    expect(inRoom('say nonsense on')).toHaveProperty('unknown')
    expect(inRoom('again 3')).toEqual({ does: 'again', count: 3 })
    expect(inRoom('again 0')).toHaveProperty('unknown')
  })

  it('says what is wrong with what it does not know', () => {
    expect(inRoom('')).toEqual({ empty: true })
    expect(inRoom('dance')).toEqual({ unknown: '"dance" is not a command. Type help for the list.' })
    expect(inHallway('mute')).toEqual({ unknown: '"mute" is for a room: join one first.' })
    expect(inRoom('create X')).toEqual({ unknown: '"create" is for the hallway: leave the room first.' })
    for (const wrong of ['volume 300', 'volume', 'volume @omar', 'volume @omar 80 @lena', 'volume loud'])
      expect(inRoom(wrong)).toHaveProperty('unknown')
    expect(inRoom('silence')).toEqual({ unknown: 'Say whom: silence @name' })
    expect(inRoom('kick')).toEqual({ unknown: 'Say whom: kick @name' })
    expect(inRoom('accept it')).toHaveProperty('unknown')
    expect(inRoom('\u001b[31mmute')).toEqual({ command: { verb: 'mute' } })
  })

  it('lists in the help of a place what can be typed there, and nothing else', () => {
    const words = (place: LinePlace) => [...lineHelp(place).matchAll(/^ {2}([a-z]+)/gm)].map(([, word]) => word!)
    for (const place of ['hallway', 'room'] as const)
      for (const word of words(place))
        expect(parseLine(word, place)).not.toMatchObject({ unknown: expect.stringMatching(/^"/) })
    expect(words('room')).toEqual(expect.arrayContaining(['mute', 'hand', 'kick', 'now', 'again', 'screen', 'leave']))
    expect(words('hallway')).toEqual(expect.arrayContaining(['join', 'create', 'search', 'say', 'quit']))
    expect(words('hallway')).not.toContain('mute')
  })
})
