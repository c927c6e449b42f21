import { render } from 'ink'
import { App } from '../../src/tui/app.tsx'
import type { Model } from '../../src/tui/model.ts'
import { paintTree } from '../../src/tui/painter.ts'
import { nowhere } from '../../src/tui/picture.tsx'

/** The lines of a model's picture as they go to a terminal, with their escape sequences. */
export const painted = (model: Model, color = false): string[] => {
  const { columns, rows } = model
  let lines: string[] = []
  const instance = render(
    <App
      model={() => model}
      subscribe={() => () => {}}
      onPicture={(root) => {
        lines = paintTree(root, columns, rows)
      }}
      colors={{ hasColor: color, depth: 4 }}
    />,
    { stdout: nowhere(columns, rows), debug: true, exitOnCtrlC: false, patchConsole: false },
  )
  instance.unmount()
  return lines
}
