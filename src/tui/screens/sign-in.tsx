import { Box } from 'ink'
import { Typing } from '../components/message-area.tsx'
import { Sentence } from '../components/sentence.tsx'
import type { Model, SignIn as SignInState } from '../model.ts'
import { Quote, Say } from '../theme.tsx'
import { Page } from './page.tsx'

/** Phone, name, code; one question at a time. */
export const SignIn = ({ model }: { model: Model }) => {
  const { signIn } = model
  const { title, hint, label } = questions[signIn.step]
  return (
    <Page
      model={model}
      left={<Say tone="strong">roomtone</Say>}
      right={model.server}
      logRows={0}
      body={({ columns, rows }) => (
        <Box
          flexDirection="column"
          height={rows}
          paddingTop={Math.max(0, Math.floor(rows / 2) - 3)}
          paddingLeft={columns >= 60 ? 8 : 1}
          overflow="hidden"
        >
          <Box height={1} flexShrink={0}>
            <Say tone="strong">{title}</Say>
          </Box>
          {rows >= 8 ? <Air /> : null}
          <Typing label={label} text={signIn.text} />
          {rows >= 8 ? <Air /> : null}
          <Status signIn={signIn} hint={hint(signIn)} columns={columns - (columns >= 60 ? 16 : 2)} />
        </Box>
      )}
    />
  )
}

const Air = () => <Box height={1} flexShrink={0} />

const Status = ({ signIn, hint, columns }: { signIn: SignInState; hint: string; columns: number }) => {
  if (signIn.isBusy) return <Say tone="dim">One moment.</Say>
  return (
    <Box flexDirection="column" flexShrink={0}>
      {signIn.error ? <Sentence tone="bad" text={signIn.error} columns={columns} /> : null}
      <Sentence tone="dim" text={hint} columns={columns} />
      {signIn.step === 'code' && signIn.localCode ? (
        <Quote tone="strong" text={`Your code: ${signIn.localCode}`} />
      ) : null}
    </Box>
  )
}

const questions: Record<SignInState['step'], { title: string; label: string; hint: (signIn: SignInState) => string }> =
  {
    phone: {
      title: 'Sign in with your phone number',
      label: 'Phone',
      hint: () => 'With its country code: +370 600 00000. Nobody else will see it.',
    },
    code: {
      title: 'Type the code',
      label: 'Code',
      hint: ({ localCode, phone }) =>
        localCode ? 'No SMS gateway is set here, so this machine shows the code itself.' : `It was sent to ${phone}.`,
    },
    name: {
      title: 'The code is on its way. How shall others call you?',
      label: 'Name',
      hint: () => 'Your handle is made from it. Enter alone if you have an account.',
    },
  }
