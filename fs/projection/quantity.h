// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' resource.Quantity: "100m", "1.5Gi", "1e3". The rules are those of
// k8s.io/apimachinery/pkg/api/resource (quantity.go, scale_int.go), traps included; they stand in
// docs/semantics.md. A value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

class Quantity {
 public:
  /// How the amount was written, which decides its canonical form.
  enum class Format { kDecimalSI, kBinarySI, kDecimalExponent };

  /// Zero, as an unset divisor.
  Quantity() = default;

  /// ParseQuantity of quantity.go. White space around is not trimmed here (the JSON decoder does).
  static Result<Quantity> Parse(std::string_view text);

  /// The amount rounded up in magnitude to an integer; of 1000 times the amount.
  /// Beyond 64 bits the result is some int64.
  std::int64_t Value() const;
  std::int64_t MilliValue() const;

  /// -1, 0 or 1.
  int Sign() const;
  bool IsZero() const { return Sign() == 0; }
  Format format() const { return format_; }

  /// String(): the text as it was written where Kubernetes keeps that, else the canonical form.
  std::string ToString() const;
  /// The canonical form computed anew ("1Mi" for "1024Ki", "1" for "+1").
  std::string Canonical() const;

 private:
  Format format_ = Format::kDecimalSI;
};

}  // namespace downwardfs
