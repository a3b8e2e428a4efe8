import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { areAllPublic } from '../../../src/adapters/http-client/public/addresses.ts';

const own = (address: string, prefix: number, internal = false): NetworkInterfaceInfo => {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  const cidr = `${address}/${prefix}`;
  return { address, family, cidr, internal, netmask: '', mac: '' } as NetworkInterfaceInfo;
};
const here = [own('127.0.0.1', 8, true), own('93.184.215.20', 24), own('2606:2800:21f:1::20', 64), own('fe80::1', 64)];

test('this machine, and its neighbours in IPv6, are not asked under their public addresses', () => {
  const asked = (...addresses: string[]): boolean => areAllPublic(addresses, here);
  assert.equal(asked('93.184.215.20'), false, 'itself');
  assert.equal(asked('2606:2800:21f:1::20'), false, 'itself');
  assert.equal(asked('2606:2800:21f:1:ffff::1'), false, 'a device of the same network');
  assert.equal(asked('93.184.215.21'), true, 'another machine of the same hoster');
  assert.equal(asked('2606:2800:21f:2::20'), true, 'another network');
  assert.equal(asked('93.184.215.21', '93.184.215.20'), false, 'both');
  assert.equal(asked(), false, 'none');
});
