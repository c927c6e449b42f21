import { fileURLToPath } from 'node:url'

/** A built child program; it lies beside this bundle, whatever the folder is called. */
export const entryOf = (
  name: 'media-server' | 'portaudio' | 'seat' | 'bot' | 'speech' | 'measure' | 'check-actor' | 'swarm',
): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
