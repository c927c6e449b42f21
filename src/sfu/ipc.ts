/** What parent and child say to each other (advanced serialization: buffers stay buffers). */
export type ChildOptions = {
  apiKey: string
  apiSecret: string
  address: string
  announcedAddress: string | undefined
  port: number
  turn: Turn | undefined
  webhookUrl: string | undefined
  autoCreate: boolean
}

/** `secret` is what coturn calls `static-auth-secret`. */
export type Turn = { url: string; secret: string }

export type HttpRequest = { method: string; path: string; headers: Record<string, string>; body: Uint8Array }
export type HttpAnswer = { status: number; headers: Record<string, string>; body: Uint8Array }

export type ToChild =
  | { type: 'start'; options: ChildOptions }
  /** The socket travels along as the message's handle. */
  | {
      type: 'upgrade'
      id: number
      method: string
      url: string
      headers: Record<string, string | string[] | undefined>
      head: Uint8Array
    }
  | { type: 'request'; id: number; request: HttpRequest }
  | { type: 'close' }

export type ToParent =
  | { type: 'ready'; port: number }
  | { type: 'refused'; code: string; message: string }
  | { type: 'answer'; id: number; answer: HttpAnswer }
  /** The socket of that upgrade has arrived. */
  | { type: 'taken'; id: number }
  | { type: 'log'; line: string }
  /** Once a second: a process that says nothing hangs. */
  | { type: 'alive' }
