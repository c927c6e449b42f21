import { it } from 'vitest'

it.skip('the end-to-end tests on a real livekit-server (skipped: neither livekit-server nor Go is on the PATH)')
