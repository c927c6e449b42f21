import { BlockList, isIP } from 'node:net'

/** What one subscriber holds: an IPv4 address, or the /64 network of an IPv6 address. */
export const addressScope = (address: string): string => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(plain) === 6 ? expand(plain).slice(0, 4).join(':') : plain
}

/** Whether an address is in a list of addresses and CIDR ranges. Throws `bad-input` on a range that is none. */
export const isInRanges = (address: string, ranges: string[]): boolean => {
  const list = new BlockList()
  for (const range of ranges) addRange(list, range)
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(plain) > 0 && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

const addRange = (list: BlockList, range: string): void => {
  const [network = '', bits] = range.split('/')
  const version = isIP(network)
  const widest = version === 6 ? 128 : 32
  const prefix = bits === undefined ? widest : Number(bits)
  if (!version || !Number.isInteger(prefix) || prefix < 0 || prefix > widest) {
    throw Object.assign(new Error(`${JSON.stringify(range)} is not an address or a CIDR range.`), { code: 'bad-input' })
  }
  list.addSubnet(network, prefix, version === 6 ? 'ipv6' : 'ipv4')
}

const expand = (address: string): string[] => {
  const [head = '', tail] = address.toLowerCase().split('::', 2)
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right]
}
