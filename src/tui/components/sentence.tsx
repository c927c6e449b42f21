import { cleanLine } from '../../protocol/text.ts'
import { Say, type Tone } from '../theme.tsx'
import { wrapped } from '../width.ts'

type SentenceProps = { text: string; tone?: Tone; columns: number }

/** Somebody else's words, or ours, over as many lines as they take: each is one, and none is lost at the right. */
export const Sentence = ({ text, tone = 'plain', columns }: SentenceProps) =>
  wrapped(cleanLine(text), columns)
    .map((line, at) => ({ id: `${at} ${line}`, line }))
    .map(({ id, line }) => (
      <Say key={id} tone={tone}>
        {line}
      </Say>
    ))
