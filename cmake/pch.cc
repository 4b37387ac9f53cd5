// SPDX-License-Identifier: Apache-2.0
// Nothing of its own: the target of the precompiled header needs a source.
