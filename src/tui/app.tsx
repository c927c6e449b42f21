import { Box, type DOMElement } from 'ink'
import { useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import type { Model } from './model.ts'
import { Hallway } from './screens/hallway.tsx'
import { Room } from './screens/room.tsx'
import { SignIn } from './screens/sign-in.tsx'
import { Waiting } from './screens/waiting.tsx'
import { StylesProvider, stylesFor } from './theme.tsx'

export type AppProps = {
  model: () => Model
  subscribe: (listener: () => void) => () => void
  /** The picture is laid out; again whenever it has changed. */
  onPicture: (root: DOMElement) => void
  colors: { hasColor: boolean; depth: number }
}

/** Draws the model; it decides nothing. */
export const App = ({ model, subscribe, onPicture, colors }: AppProps) => {
  const now = useSyncExternalStore(subscribe, model)
  const background = now.theme === 'auto' ? now.background : now.theme
  const styles = useMemo(() => stylesFor(colors, background), [colors, background])
  const box = useRef<DOMElement>(null)
  // Ink's own writer gets an empty box to write; from then on pictures come here.
  const [isOurs, setOurs] = useState(false)
  useLayoutEffect(() => {
    const root = box.current && rootOf(box.current)
    if (!root) return
    root.onRender = () => onPicture(root)
    setOurs(true)
    return () => {
      root.onRender = () => {}
    }
  }, [onPicture])
  return (
    <StylesProvider value={styles}>
      <Box ref={box}>{isOurs ? <Screen model={now} /> : null}</Box>
    </StylesProvider>
  )
}

const rootOf = (element: DOMElement): DOMElement => {
  let node = element
  while (node.parentNode) node = node.parentNode
  return node
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
