import type { Evidence, Expectation, Judge, Plan, Verdict } from '../contract.ts'
import { type Finding, verdictOf } from './finding.ts'
import { hearsFindings } from './hears.ts'
import { openEars } from './listening.ts'
import { roomFindings } from './room.ts'
import type { Scene } from './scene.ts'
import { answersFinding, orderFinding, silenceFinding } from './talk.ts'
import { echoFinding } from './voices.ts'

/**
 * Holds the evidence of a run against what its plan expects. A pass rests on evidence that was there: where some is
 * missing, or the runner itself may have made what looks like a fault, the verdict is inconclusive and says why.
 */
export const judge: Judge = (plan: Plan, evidence: Evidence): Verdict[] => {
  const scene: Scene = { plan, evidence, ears: openEars(evidence) }
  return plan.expectations.flatMap((expectation) =>
    findingsOf(scene, expectation).map(({ finding, listener, speaker }) =>
      verdictOf(expectation, finding, { listener, speaker }, evidence),
    ),
  )
}

type Whose = { finding: Finding; listener: string | null; speaker: string | null }

const findingsOf = (scene: Scene, expectation: Expectation): Whose[] => {
  switch (expectation.kind) {
    case 'hears':
      return pairsOf(expectation).flatMap(({ listener, speaker }) =>
        hearsFindings(scene, expectation, listener, speaker).map((finding) => ({ finding, listener, speaker })),
      )
    case 'silence':
      return pairsOf(expectation).map((pair) => ({
        ...pair,
        finding: silenceFinding(scene, expectation, pair.listener, pair.speaker),
      }))
    case 'no-echo':
      return talkersOf(scene, expectation.listeners).map((listener) => ({
        finding: echoFinding(scene, listener),
        listener,
        speaker: null,
      }))
    case 'order':
      return talkersOf(scene, expectation.listeners).map((listener) => ({
        finding: orderFinding(scene, expectation, listener),
        listener,
        speaker: null,
      }))
    case 'answers':
      return [
        { finding: answersFinding(scene, expectation), listener: expectation.listener, speaker: expectation.speaker },
      ]
    case 'room':
      return roomFindings(scene, expectation).map((finding) => ({ finding, listener: null, speaker: null }))
  }
}

/** Only what somebody said can come back to them; where nobody said anything, that is what all are told. */
const talkersOf = ({ ears }: Scene, listeners: string[]): string[] => {
  const talkers = listeners.filter((name) => (ears.said(name)?.stretches.length ?? 0) > 0)
  return talkers.length > 0 ? talkers : listeners
}

/** Nobody is asked to hear themselves. */
const pairsOf = ({ listeners, speakers }: { listeners: string[]; speakers: string[] }) =>
  listeners.flatMap((listener) =>
    speakers.filter((speaker) => speaker !== listener).map((speaker) => ({ listener, speaker })),
  )
