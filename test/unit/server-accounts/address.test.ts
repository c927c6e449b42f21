import { expect, test } from 'vitest'
import { addressScope, isInRanges } from '../../../src/server/domain/address.ts'
import { urlOf } from '../../../src/server/server.ts'

test('an IPv6 subscriber is a /64 network, an IPv4 one an address', () => {
  expect(addressScope('192.0.2.7')).toBe('192.0.2.7')
  expect(addressScope('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(addressScope('2001:db8:1:2:aaaa::1')).toBe(addressScope('2001:db8:1:2::9'))
  expect(addressScope('2001:db8:1:2::1')).not.toBe(addressScope('2001:db8:1:3::1'))
  expect(addressScope('fe80::1%eth0')).toBe('fe80:0:0:0')
})

test('what listens on all addresses is reached by loopback, and IPv6 stands in brackets', () => {
  const hosts = ['0.0.0.0', '::', '::1', 'talk.example.org']
  expect(hosts.map((host) => urlOf(host, 80))).toEqual([
    'http://127.0.0.1:80',
    'http://[::1]:80',
    'http://[::1]:80',
    'http://talk.example.org:80',
  ])
})

test('addresses are found in addresses and ranges', () => {
  expect(isInRanges('192.0.2.7', ['192.0.2.0/24'])).toBe(true)
  expect(isInRanges('::ffff:192.0.2.7', ['192.0.2.7'])).toBe(true)
  expect(isInRanges('192.0.3.7', ['192.0.2.0/24', '2001:db8::/32'])).toBe(false)
  expect(isInRanges('2001:db8::5', ['192.0.2.0/24', '2001:db8::/32'])).toBe(true)
})

test.each(['campus', '192.0.2.0/33', '192.0.2.0/x', ''])('%j is refused as a range', (range) => {
  expect(() => isInRanges('192.0.2.7', [range])).toThrow('is not an address')
})
