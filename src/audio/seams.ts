// Where sound is joined to other sound, or to silence. All in place, interleaved.

/** Goes over from `into` to `to`. */
export const crossFade = (into: Int16Array, to: Int16Array, channels: number) => {
  const steps = into.length / channels
  for (let i = 0; i < into.length; i++) {
    const share = Math.floor(i / channels) / steps
    into[i] = Math.round(into[i]! * (1 - share) + to[i]! * share)
  }
}

export const fadeIn = (samples: Int16Array, channels: number) => {
  const steps = samples.length / channels
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round((samples[i]! * Math.floor(i / channels)) / steps)
}

/** Sound that stops short is played backwards into silence: it goes on from the very value where it stopped. */
export const fadeOutMirrored = (last: Int16Array, into: Int16Array, channels: number) => {
  const steps = into.length / channels
  for (let step = 0; step < steps; step++) {
    for (let channel = 0; channel < channels; channel++) {
      const mirrored = last[(steps - 1 - step) * channels + channel]!
      into[step * channels + channel] = Math.round(mirrored * (1 - step / steps))
    }
  }
}
