import { clockOf } from '../bot/host/answers.ts'
import type { BotRunEvent } from './bot-watch.ts'

/** An event in words; null for what only programs want to know. */
export const sentenceOfHost = (event: BotRunEvent): string | null => {
  switch (event.type) {
    case 'waiting':
      return `Waiting for ${event.local.replace('T', ' ')} (${event.startsAt}); the room opens at ${event.opensAt}`
    case 'standby':
      return 'Another host has this sitting; standing by'
    case 'room':
      return `${event.isTakenUp ? 'Back in' : 'Opened'} "${event.title}"${event.link === null ? '' : ` ${event.link}`}`
    case 'joined':
      return `${event.name} is in the room as ${event.role}`
    case 'on-air':
      return `On air at ${clockOf(event.programMs)}`
    case 'began':
      return `${clockOf(event.programMs)}  ${titleOf(event)}${event.lengthMs === null ? '' : `  ${clockOf(event.lengthMs)}`}`
    case 'over':
      return event.cause === 'end' ? null : `${event.cue}: ${event.message ?? causes[event.cause]}`
    case 'title':
      return `Now: ${titleOf({ ...event, cue: '' })}`
    case 'paused':
      return `Paused: ${event.by === null ? event.cause : `by ${event.by}`}`
    case 'resumed':
      return `On air again at ${clockOf(event.programMs)}${repeatOf(event.repeatedMs)}`
    case 'floor-open':
      return 'The floor is open'
    case 'floor-closed':
      return 'The floor is closed'
    case 'floor-skipped':
      return 'The floor is skipped: no moderator but the bot is there'
    case 'admitted':
      return `${event.name} may speak`
    case 'demoted':
      return `${event.name} left the stage`
    case 'command':
      return `${event.by}: ${event.message}`
    case 'reloaded':
      return 'The script was read anew; it counts from the next cue on'
    case 'ended':
    case 'warning':
    case 'restarted':
    case 'incident':
      return event.message
    case 'underrun':
      return `${event.missedMs} ms of sound were not sent in time`
    case 'dead-air':
      return `Dead air: ${deadAirs[event.cause]}`
    case 'repair':
      return repairs[event.repair]
    case 'on-air-again':
      return `On air again after ${(event.afterMs / 1000).toFixed(1)} s`
  }
}

const titleOf = ({ title, artist, cue }: { title: string | null; artist: string | null; cue: string }): string =>
  title === null ? cue : artist === null ? title : `${title} – ${artist}`

const repeatOf = (ms: number): string => {
  if (Math.abs(ms) < 100) return ''
  return ms > 0 ? `; ${(ms / 1000).toFixed(1)} s repeated` : `; ${(-ms / 1000).toFixed(1)} s passed over`
}

const deadAirs = {
  'no-frames': 'nothing is sent',
  cut: 'the way to the media server is cut',
  unheard: 'what is sent does not arrive',
}

const repairs = {
  republish: 'Publishing the program anew',
  rejoin: 'Joining the room anew',
  restart: "Starting the bot's process anew",
}

const causes = {
  end: '',
  skip: 'skipped',
  goto: 'left for another place',
  failed: 'failed',
  stop: 'stopped',
  interrupted: 'interrupted',
}
