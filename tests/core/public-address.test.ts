import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressBytes, isPublicAddress, range, within } from '../../src/core/public-address.ts';

/** First and last address of every special range, and its public neighbours where there are some. */
const v4: [range: string, first: string, last: string, outside: string[]][] = [
  ['this network', '0.0.0.0', '0.255.255.255', ['1.0.0.0']],
  ['private', '10.0.0.0', '10.255.255.255', ['9.255.255.255', '11.0.0.0']],
  ['carrier', '100.64.0.0', '100.127.255.255', ['100.63.255.255', '100.128.0.0']],
  ['loopback', '127.0.0.0', '127.255.255.255', ['126.255.255.255', '128.0.0.0']],
  ['Azure', '168.63.129.16', '168.63.129.16', ['168.63.129.15', '168.63.129.17']],
  ['link-local', '169.254.0.0', '169.254.255.255', ['169.253.255.255', '169.255.0.0']],
  ['private', '172.16.0.0', '172.31.255.255', ['172.15.255.255', '172.32.0.0']],
  ['protocols', '192.0.0.0', '192.0.0.255', ['191.255.255.255', '192.0.1.0']],
  ['documentation', '192.0.2.0', '192.0.2.255', ['192.0.1.255', '192.0.3.0']],
  ['AS112', '192.31.196.0', '192.31.196.255', ['192.31.195.255', '192.31.197.0']],
  ['AMT', '192.52.193.0', '192.52.193.255', ['192.52.192.255', '192.52.194.0']],
  ['6to4 relays', '192.88.99.0', '192.88.99.255', ['192.88.98.255', '192.88.100.0']],
  ['private', '192.168.0.0', '192.168.255.255', ['192.167.255.255', '192.169.0.0']],
  ['AS112', '192.175.48.0', '192.175.48.255', ['192.175.47.255', '192.175.49.0']],
  ['benchmarking', '198.18.0.0', '198.19.255.255', ['198.17.255.255', '198.20.0.0']],
  ['documentation', '198.51.100.0', '198.51.100.255', ['198.51.99.255', '198.51.101.0']],
  ['documentation', '203.0.113.0', '203.0.113.255', ['203.0.112.255', '203.0.114.0']],
  ['multicast, reserved, broadcast', '224.0.0.0', '255.255.255.255', ['223.255.255.255']],
];

test('every special range of IPv4 is special from its first address to its last, and no further', () => {
  for (const [name, first, last, outside] of v4) {
    assert.equal(isPublicAddress(first), false, `${name} ${first}`);
    assert.equal(isPublicAddress(last), false, `${name} ${last}`);
    for (const address of outside) assert.equal(isPublicAddress(address), true, `beside ${name}: ${address}`);
  }
});

test('every special range of IPv6 is special, and what is handed out is public', () => {
  const special = (
    ':: ::1 ::7f00:1 ::ffff:8.8.8.8 ::ffff:0:0 64:ff9b:1:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 100:: ' +
    '100:0:0:1:: 1fff:ffff:: 2001:: 2001:0:808:808:: 2001:2:: 2001:10:: 2001:20::1 2001:1ff:ffff:: 2001:db8:: ' +
    '2001:db8:ffff:: 2002:: 2002:808:808:: 2620:4f:8000::1 3fff:: 3fff:fff:: 4000:: 5f00:: fc00:: ' +
    'fdff:: fe80:: febf::1 fec0:: ff00:: ff02::1'
  ).split(' ');
  for (const address of special) assert.equal(isPublicAddress(address), false, address);
  const open = ['2000::', '2001:200::', '2001:db7:ffff::', '2001:db9::', '2003::', '2620:4f:7fff::', '2620:4f:8001::'];
  open.push('3ffe::', '3fff:1000::', '2606:4700:4700::1111', '64:ff9b::808:808');
  for (const address of open) assert.equal(isPublicAddress(address), true, address);
});

test('what is no address in its usual spelling is not public', () => {
  const texts = ['', 'localhost', '8.8.8', '8.8.8.8.8', '08.8.8.8', '0x8.8.8.8', '134744072', '8.8.8.256', ' 8.8.8.8'];
  texts.push('8.8.8.8/32', '[2606::1]', '2606:::1', '2606::1::2', '1:2:3:4:5:6:7:8:9', '2606:4700', '2606::1%eth0');
  texts.push('2606::12345', '2606:1.2.3.4::1', '::1.2.3', ':2606::1', '2606::1:', '１.1.1.1');
  for (const text of texts) assert.equal(addressBytes(text), null, text);
  for (const text of texts) assert.equal(isPublicAddress(text), false, text);
});

test('addresses are read as Node reads them, in every spelling of IPv6', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const bytes = addressBytes(address);
      assert.ok(bytes !== null && net.isIP(address) !== 0);
      const list = new net.BlockList();
      const plain = bytes.length === 4 ? bytes.join('.') : hexGroups(bytes);
      list.addAddress(plain, bytes.length === 4 ? 'ipv4' : 'ipv6');
      assert.ok(list.check(address, bytes.length === 4 ? 'ipv4' : 'ipv6'));
    }),
  );
});

const hexGroups = (bytes: number[]): string =>
  Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(':');

test('ranges are what Node takes them for', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (network, address, bits) => {
      const list = new net.BlockList();
      list.addSubnet(network, bits, 'ipv4');
      assert.equal(within(addressBytes(address) ?? [], range(`${network}/${bits}`)), list.check(address));
    }),
  );
  assert.equal(within([1, 2, 3, 4], range('::/0')), false);
  assert.throws(() => range('nonsense/8'));
});
