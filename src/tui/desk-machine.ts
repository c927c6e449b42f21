import type { SeatCommand } from '../protocol/seat.ts'
import type { DeviceDesk, SettingDesk } from './deps.ts'
import type { Effect, Happening } from './model.ts'

type MachineOptions = {
  devices: DeviceDesk
  settings: SettingDesk
  dispatch: (happening: Happening) => void
  attempt: (work: Promise<unknown>) => void
  /** What was chosen holds for the running seat, too. */
  tellSeat: (command: SeatCommand) => Promise<unknown>
}

type MachineEffect = Extract<
  Effect,
  { do: 'load-devices' | 'use-device' | 'try-device' | 'stop-trial' | 'load-settings' | 'set' }
>

/** What concerns this machine alone: its devices, trying them, and what is remembered. */
export const startMachineDesk = ({ devices, settings, dispatch, attempt, tellSeat }: MachineOptions) => {
  let trial: { close: () => unknown } | undefined
  let attempts = 0

  const stopTrial = () => {
    attempts += 1
    trial?.close()
    trial = undefined
    dispatch({ type: 'trial', trial: null })
  }

  const tryDevice = async (what: Extract<MachineEffect, { do: 'try-device' }>['what']) => {
    stopTrial()
    const mine = attempts
    const isMine = () => mine === attempts
    const opened = await devices.try(what, {
      onLevel: (levelDb) => isMine() && dispatch({ type: 'trial', trial: { what, levelDb: Math.round(levelDb) } }),
      onEnd: () => isMine() && stopTrial(),
    })
    if (!isMine()) return opened.close()
    trial = opened
    dispatch({ type: 'trial', trial: { what, levelDb: -100 } })
  }

  const loadDevices = async () => dispatch({ type: 'devices', ...(await devices.list()) })
  const loadSettings = async () => dispatch({ type: 'settings', items: await settings.list() })

  return {
    perform: (effect: MachineEffect) => {
      switch (effect.do) {
        case 'load-devices':
          return attempt(loadDevices())
        case 'use-device':
          return attempt(
            tellSeat({ verb: 'devices', [effect.kind]: effect.name })
              .then(() => devices.use(effect.kind, effect.name))
              .finally(loadDevices),
          )
        case 'try-device':
          return attempt(tryDevice(effect.what))
        case 'stop-trial':
          return stopTrial()
        case 'load-settings':
          return attempt(loadSettings())
        case 'set':
          return attempt(
            settings
              .set(effect.key, effect.value)
              .then((command) => command && tellSeat(command))
              .finally(loadSettings),
          )
      }
    },
    close: () => {
      attempts += 1
      trial?.close()
    },
  }
}
