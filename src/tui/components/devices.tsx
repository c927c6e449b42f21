import { Box } from 'ink'
import type { DeviceChoice, Overlay, Trial } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { decibels, litCells, Meter } from './meter.tsx'
import { Choice } from './palette.tsx'

type DevicesProps = { devices: Extract<Overlay, { kind: 'devices' }>; rows: number }

/** Microphones and speakers by name, which are in use, and whether they work, without anybody else hearing it. */
export const Devices = ({ devices, rows }: DevicesProps) => {
  const { choices, problem, index, trial } = devices
  const foot = problem ? 2 : 1
  const fits = Math.max(1, rows - 1 - foot)
  const first = Math.max(0, Math.min(index - fits + 1, (choices?.length ?? 0) - fits))
  return (
    <Box flexDirection="column" height={rows} overflow="hidden" paddingRight={1}>
      <Box paddingLeft={1} height={1} flexShrink={0}>
        <Say tone="strong">{choices === null ? 'Looking for devices' : 'Microphone and speaker'}</Say>
      </Box>
      {choices?.slice(first, first + fits).map((choice, row) => (
        <Choice key={`${choice.kind} ${choice.name}`} isChosen={first + row === index}>
          <Box flexShrink={1} overflow="hidden">
            <Box width={kindColumns} flexShrink={0}>
              <Say tone="dim">{choice.kind}</Say>
            </Box>
            <Quote text={shownName(choice)} tone={choice.isInUse ? 'strong' : 'plain'} />
          </Box>
          <Box flexShrink={0}>
            <Say tone="good">{choice.isInUse ? 'in use' : ''}</Say>
          </Box>
        </Choice>
      ))}
      {problem ? (
        <Box paddingLeft={1} height={1} flexShrink={0}>
          <Quote tone="warning" text={problem} />
        </Box>
      ) : null}
      <TrialLine trial={trial} />
    </Box>
  )
}

const kindColumns = 'microphone'.length + 2

const shownName = ({ name }: DeviceChoice): string => (name === 'default' ? 'as the system has it' : name)

const trialWords: Record<Trial['what'], string> = {
  tone: 'You should hear a tone.',
  microphone: 'Speak: nobody else hears it.',
  loopback: 'You should hear yourself. Headphones keep it from howling.',
}

const TrialLine = ({ trial }: { trial: Trial | null }) => (
  <Box paddingLeft={1} height={1} flexShrink={0} gap={1}>
    {trial === null ? null : (
      <>
        <Box flexShrink={0} gap={1}>
          {trial.what === 'tone' ? null : <Meter levelDb={trial.levelDb} />}
          {trial.what === 'tone' ? null : (
            <Box width={7}>{litCells(trial.levelDb) > 0 ? <Say>{decibels(trial.levelDb)}</Say> : null}</Box>
          )}
        </Box>
        <Say>{trialWords[trial.what]}</Say>
      </>
    )}
  </Box>
)
