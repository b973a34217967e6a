#!/usr/bin/env node
// The command line of raftkv. It lives in the built package; this file stands here so that npm can link it before the build.
import '../dist/node/main.js';
