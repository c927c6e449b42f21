import { useInput } from 'ink'
import { useState, useSyncExternalStore } from 'react'
import { keyReader } from './key-names.ts'
import type { Model } from './model.ts'
import { Hallway } from './screens/hallway.tsx'
import { Room } from './screens/room.tsx'
import { SignIn } from './screens/sign-in.tsx'
import { Waiting } from './screens/waiting.tsx'
import { ColorProvider } from './theme.tsx'

export type AppProps = {
  model: () => Model
  subscribe: (listener: () => void) => () => void
  onKey: (key: string) => void
  color: boolean
}

/** Draws the model and hands on keys; it decides nothing. */
export const App = ({ model, subscribe, onKey, color }: AppProps) => {
  const [readKeys] = useState(keyReader)
  const now = useSyncExternalStore(subscribe, model)
  useInput((input, key) => {
    for (const name of readKeys(input, key)) onKey(name)
  })
  return (
    <ColorProvider value={color}>
      <Screen model={now} />
    </ColorProvider>
  )
}

/** The screen of a model, at the model's size. */
export const Screen = ({ model }: { model: Model }) => {
  switch (model.screen) {
    case 'sign-in':
      return <SignIn model={model} />
    case 'hallway':
      return <Hallway model={model} />
    case 'room':
      return model.seat ? <Room model={model} seat={model.seat} /> : <Waiting model={model} />
    default:
      return <Waiting model={model} />
  }
}
