import { join } from 'node:path'
import { problemLine } from '../../yaml/problem.ts'
import { prepare } from '../program/prepare.ts'
import type { SessionScript } from '../script/script.ts'
import { airVarsOf, fillText } from '../script/text.ts'
import { createSounds, type Sounds } from '../sound/sounds.ts'
import { type Hosting, startHosting } from './hosting.ts'
import { openPlace } from './place.ts'
import type { HostMessage, HostOrder, HostRequest } from './wire.ts'

export type Host = {
  /** All sessions are over. */
  readonly done: Promise<void>
  receive(request: HostRequest): void
  stop(isForGood: boolean): Promise<void>
}

/** Hosts many sessions in this process. */
export const startHost = (order: HostOrder, say: (message: HostMessage) => void): Host => {
  const place = openPlace(order.target)
  const sounds: Sounds[] = []
  const now = Date.now

  const host = (script: SessionScript): Hosting => {
    const sound = createSounds({
      cacheFolder: order.cacheFolder,
      speech: script.speech,
      isOnAir: true,
      proxy: 'proxy' in order.target ? order.target.proxy : undefined,
      entries: order.entries,
      stdin: process.stdin,
      fill: (text) => fillText(text, airVarsOf(hosting.about())),
    })
    sounds.push(sound)
    const hosting: Hosting = startHosting({
      ...{ script, place, now, isNow: order.isNow, isOnce: order.isOnce, hasEar: order.hasEar, holder: order.holder },
      kept: order.kept[script.name] ?? null,
      keep: (kept) => say({ type: 'kept', session: script.name, kept }),
      folder: join(order.folder, script.name),
      planOf: async (of, seed) => {
        const { plan, problems } = await prepare(of, sound, `${of.name} ${seed}`)
        return { plan: { ...plan, late: 'shift' as const }, problems: problems.map((one) => problemLine(one)) }
      },
      open: sound.open,
      tell: (event) => say({ type: 'event', event }),
      onView: (view) => say({ type: 'view', view }),
    })
    void hosting.done.then(() => say({ type: 'session-over', session: script.name }))
    return hosting
  }
  const hostings = new Map(order.scripts.map((script) => [script.name, host(script)]))
  const all = () => [...hostings.values()]

  const done = Promise.all(all().map((hosting) => hosting.done)).then(async () => {
    await Promise.all(sounds.map((sound) => sound.close()))
    await place.close()
  })
  return {
    done,
    receive: (request) => {
      if (request.type === 'script') void hostings.get(request.script.name)?.reload(request.script)
      if (request.type === 'repair') hostings.get(request.session)?.sitting()?.repair(request.repair)
      if (request.type !== 'command') return
      const { id, session, command, by } = request
      void hostings
        .get(session)
        ?.command(command, by)
        .then((answer) => say({ type: 'answer', id, answer }))
    },
    stop: async (isForGood) => {
      await Promise.all(all().map((hosting) => hosting.close(isForGood ? 'ended' : 'interrupted')))
      await done
    },
  }
}
