// SPDX-License-Identifier: Apache-2.0
// Keys and certificates of every kind that users have, against Go's rules.
#include "client/config/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/config/pem_blocks.h"
#include "tests/fakes/test_certificates.h"

namespace downwardfs::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TlsIdentityTest : public testing::Test {
 protected:
  Result<TlsIdentity> Check(const std::string& cert, const std::string& key) const {
    return CheckTlsIdentity(cert, key, {"client-certificate /c", "client-key /k"});
  }
  std::string Refusal(const std::string& cert, const std::string& key) const {
    const auto identity = Check(cert, key);
    return identity ? "accepted" : identity.error().message;
  }
  std::string KeyRefusal(const std::string& key) const { return Refusal(pair_.cert_pem, key); }

  const TestAuthority authority_{"ca"};
  const CertificatePair pair_ = authority_.Issue("dev", "");
};

TEST_F(TlsIdentityTest, GoodPairsPassInEveryForm) {
  const std::string parameters = WritePemBlock("EC PARAMETERS", "\x06\x08*\x86H\xce=\x03\x01\x07");
  const std::string traditional = KeyAs(KeyForm::kTraditional, pair_.key_pem);
  EXPECT_THAT(traditional, HasSubstr("EC PRIVATE KEY"));
  for (const std::string& key :
       {pair_.key_pem, traditional, parameters + traditional, pair_.cert_pem + pair_.key_pem,
        "Bag Attributes\n  friendlyName: x\n" + pair_.key_pem}) {
    const auto identity = Check(pair_.cert_pem, key);
    ASSERT_TRUE(identity) << identity.error().message << "\n" << key;
    EXPECT_EQ(identity->key_pem, pair_.key_pem);  // one form for all
    EXPECT_EQ(identity->cert_pem, pair_.cert_pem);
  }
  // A chain keeps its order; what is no certificate in it is passed over.
  const auto chain = Check(pair_.key_pem + pair_.cert_pem + authority_.pem(), pair_.key_pem);
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->cert_pem, pair_.cert_pem + authority_.pem());
}

TEST_F(TlsIdentityTest, AKeyWithAPassphraseIsRefused) {
  for (const KeyForm form : {KeyForm::kEncryptedPkcs8, KeyForm::kEncryptedLegacy}) {
    const std::string key = KeyAs(form, pair_.key_pem);
    ASSERT_THAT(key, HasSubstr("ENCRYPTED"));
    EXPECT_EQ(KeyRefusal(key),
              "client-key /k: failed to parse the private key: it is encrypted with a passphrase;"
              " write it without one: `openssl pkey -in KEY -out NEWKEY`");
  }
  // The same bytes under a name that hides it.
  const auto encrypted = ReadPemBlocks(KeyAs(KeyForm::kEncryptedPkcs8, pair_.key_pem))[0].der;
  for (const char* type : {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"}) {
    EXPECT_THAT(KeyRefusal(WritePemBlock(type, encrypted)),
                StartsWith("client-key /k: failed to parse the private key in block"));
  }
}

TEST_F(TlsIdentityTest, WhatIsNoKeyIsRefusedByItsKind) {
  EXPECT_EQ(KeyRefusal(""), "client-key /k: it is empty");
  EXPECT_EQ(KeyRefusal(" \n"), "client-key /k: it is empty");
  EXPECT_THAT(KeyRefusal("garbage"), HasSubstr("holds no PEM block"));
  EXPECT_THAT(KeyRefusal(KeyAs(KeyForm::kDer, pair_.key_pem)), HasSubstr("it is DER"));
  const std::string traditional = KeyAs(KeyForm::kTraditional, pair_.key_pem);
  EXPECT_THAT(KeyRefusal(ReadPemBlocks(traditional)[0].der), HasSubstr("it is DER"));
  EXPECT_THAT(KeyRefusal(pair_.cert_pem), HasSubstr("certificate and the key swapped"));
  EXPECT_THAT(KeyRefusal(WritePemBlock("EC PARAMETERS", "x")), HasSubstr("no PRIVATE KEY block"));
  for (const char* type : {"PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"}) {
    for (const std::string& der : {std::string(), std::string("x"), std::string(5000, '\x30')}) {
      EXPECT_THAT(KeyRefusal(WritePemBlock(type, der)), HasSubstr("failed to parse")) << type;
    }
  }
  const std::string der = ReadPemBlocks(pair_.key_pem)[0].der;
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_THAT(KeyRefusal(WritePemBlock("PRIVATE KEY", der.substr(0, size))),
                StartsWith("client-key /k: "));
  }
}

TEST_F(TlsIdentityTest, WhatIsNoCertificateIsRefusedByItsKind) {
  const auto refusal = [this](const std::string& cert) { return Refusal(cert, pair_.key_pem); };
  EXPECT_EQ(refusal(""), "client-certificate /c: it is empty");
  EXPECT_THAT(refusal(pair_.key_pem), HasSubstr("certificate and the key swapped"));
  EXPECT_THAT(refusal(WritePemBlock("CERTIFICATE", "x")), HasSubstr("failed to parse"));
  EXPECT_THAT(refusal(ReadPemBlocks(pair_.cert_pem)[0].der), HasSubstr("it is DER"));
}

TEST_F(TlsIdentityTest, TheKeyMustBelongToTheCertificate) {
  EXPECT_EQ(KeyRefusal(authority_.Issue("other", "").key_pem),
            "client-key /k: the private key does not belong to the certificate of"
            " client-certificate /c; give the two that were made together");
  for (const char* kind : {"RSA", "ED25519", "P-384"}) {
    EXPECT_THAT(KeyRefusal(NewKey(kind)), HasSubstr("does not belong")) << kind;
  }
}

TEST_F(TlsIdentityTest, KindsThatGoDoesNotKnowAreRefused) {
  for (const char* kind : {"ED448", "X25519", "secp256k1", "brainpoolP256r1"}) {
    EXPECT_THAT(KeyRefusal(NewKey(kind)), HasSubstr("the private key is of kind")) << kind;
  }
}

}  // namespace
}  // namespace downwardfs::client
