#!/usr/bin/env node
// Runs the commands from src/ without compiling, with stack traces: for work on xfer itself.
import { execute } from '@oclif/core';
import { register } from 'tsx/esm/api';

register();
await execute({ development: true, dir: import.meta.url });
