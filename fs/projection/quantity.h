// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes' resource.Quantity: "100m", "1.5Gi", "1e3". The rules are those of
// k8s.io/apimachinery/pkg/api/resource (quantity.go, scale_int.go), traps included; they stand in
// docs/semantics.md. A value; any thread.
//
// An amount is an integer of at most 128 bits times a power of ten. That is enough to be exact
// wherever Value() and MilliValue() fit 64 bits: no amount is finer than 1n, and digits further
// down only decide the rounding. So time is linear in the text and memory is bounded, however many
// digits and whatever exponent a hostile text has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace downwardfs {

__extension__ typedef unsigned __int128 Uint128;

class Quantity {
 public:
  /// How the amount was written, which decides its canonical form.
  enum class Format { kDecimalSI, kBinarySI, kDecimalExponent };

  /// Zero, as an unset divisor.
  Quantity() = default;

  /// ParseQuantity of quantity.go. White space around is not trimmed here (the JSON decoder does).
  static Result<Quantity> Parse(std::string_view text);

  /// The amount rounded up in magnitude to an integer; of 1000 times the amount. A negative amount
  /// that Kubernetes keeps as a big decimal (more than 18 digits, finer than 1n, or a binary suffix
  /// on a fraction or on many digits) is rounded towards zero and then one up, and wraps where its
  /// count of nanos passes 64 bits, as in Kubernetes 1.37. Any other result beyond 64 bits is the
  /// nearest int64.
  std::int64_t Value() const { return Scaled(0); }
  std::int64_t MilliValue() const { return Scaled(-3); }

  /// -1, 0 or 1.
  int Sign() const;
  bool IsZero() const { return Sign() == 0; }
  Format format() const { return format_; }

  /// String(): the text as it was written where Kubernetes keeps that, else the canonical form.
  std::string ToString() const;
  /// The canonical form computed anew ("1Mi" for "1024Ki", "1" for "+1").
  std::string Canonical() const;

 private:
  struct Text;  // the parts of a written quantity

  // Sets the amount as Kubernetes' 64-bit path does; false where it takes the other one.
  bool SetNarrow(const Text& text);
  bool KeepsText(const Text& text) const;
  void SetWideDecimal(const Text& text);
  void SetWideBinary(const Text& text);

  // The amount divided by 10^scale.
  std::int64_t Scaled(std::int32_t scale) const;
  std::int64_t ScaledNarrow(std::int32_t scale) const;
  std::int64_t ScaledWide(std::int32_t scale) const;

  // The amount is coefficient_ * 10^scale_, negated if negative_. A wide one has scale -9, or 0
  // where it was capped; a narrow one has a coefficient below 2^63 and a scale of at least -9.
  Uint128 coefficient_ = 0;
  std::int32_t scale_ = 0;
  bool negative_ = false;
  bool wide_ = false;  // a big decimal in Kubernetes, which rounds differently
  Format format_ = Format::kDecimalSI;
  std::string text_;  // as written, where ToString() gives it back
};

}  // namespace downwardfs
