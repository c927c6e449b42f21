import type { Api } from '../../client/api.ts'
import { type Link, startLink } from '../../client/link.ts'
import type { SessionTarget } from '../../client/session-link.ts'
import type { NetworkPlan } from '../contract.ts'
import type { ActorOrder } from './wire.ts'

const NOTHING: NetworkPlan = { lossShare: 0, delayMs: 0, jitterMs: 0 }

/** One actor's way to the media server: straight, or through a bad network that it cannot get around. */
export const createActorLink = ({ target, network, seed }: ActorOrder) => {
  let link: Link | undefined
  let current = network ?? NOTHING
  let mending: NodeJS.Timeout | undefined

  /** The address that stands for the media server from now on. */
  const through = async (url: string): Promise<string> => {
    if (network === null) return url
    link ??= await startLink({ url, seed, profile: profileOf(current) })
    return link.url
  }

  const open = (): Link => {
    if (link) return link
    throw Object.assign(new Error('nobody has a network before they are in the room'), { code: 'not-in-room' })
  }

  return {
    targetOf: async (api: Api | undefined, roomId: string | null): Promise<SessionTarget> => {
      if (target.plane === 'livekit') return { url: await through(target.url), token: target.token }
      return { api: throughLink(api!, through), roomId: roomId! }
    },
    set: async (next: NetworkPlan) => {
      current = next
      open().set(profileOf(next))
    },
    cut: async (forMs: number | null) => {
      clearTimeout(mending)
      open().set({ up: { outage: true }, down: { outage: true } })
      if (forMs !== null) mending = setTimeout(() => open().set(profileOf(current)), forMs)
    },
    mend: async () => {
      clearTimeout(mending)
      open().set(profileOf(current))
    },
    read: () => {
      const counts = link?.counts()
      if (!counts) return undefined
      const { up, down } = counts
      return {
        soundPackets: up.soundCame + down.soundCame,
        droppedPackets: up.soundDropped + down.soundDropped,
        isUsed: up.came + down.came > 0,
      }
    },
    close: async () => {
      clearTimeout(mending)
      await link?.close()
    },
  }
}

const profileOf = (network: NetworkPlan) => ({ up: { ...network }, down: { ...network } })

/** The media server's address comes with the answer to a join, and may be another one at the next. */
const throughLink = (api: Api, through: (url: string) => Promise<string>): Api => ({
  ...api,
  call: async (name, options) => {
    const answer = await api.call(name, options)
    if (name !== 'joinRoom') return answer
    const { media, ...rest } = answer as Awaited<ReturnType<typeof api.call<'joinRoom'>>>
    return { ...rest, media: { ...media, url: await through(media.url) } } as typeof answer
  },
})
