import { describe, expect, it } from 'vitest';
import { DEFAULT_DATA, readSettings } from '../../src/settings.ts';

describe('settings', () => {
  it('have defaults, also for empty variables', () => {
    const defaults = { host: '127.0.0.1', port: 3000, dataDirectory: DEFAULT_DATA, verbose: false };
    expect(readSettings({}, [])).toEqual(defaults);
    expect(readSettings({ PORT: '', HOST: '', SPACEGRID_DATA: '' }, [])).toEqual(defaults);
  });

  it('come from PORT, HOST, SPACEGRID_DATA and --verbose', () => {
    expect(readSettings({ PORT: '0', HOST: '::1', SPACEGRID_DATA: '/data' }, ['--verbose'])).toEqual({
      host: '::1',
      port: 0,
      dataDirectory: '/data',
      verbose: true,
    });
    expect(readSettings({ PORT: '65535' }, []).port).toBe(65_535);
  });

  it.each(['-1', '65536', '80.5', ' ', 'http', '1e3', '0x50', 'NaN'])('refuse %j as a port', (port) => {
    expect(() => readSettings({ PORT: port }, [])).toThrow(
      `PORT is ${port}: a whole number from 0 to 65535 is needed.`,
    );
  });

  it('refuse arguments that they do not know', () => {
    expect(() => readSettings({}, ['--port=1'])).toThrow('unknown argument --port=1: there is --verbose.');
  });
});
