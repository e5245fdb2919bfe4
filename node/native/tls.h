// TLS for native connections, by OpenSSL over buffers in memory: sockets stay with the connection.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace tholos::node::native {

enum class TlsMode : uint8_t {
  kOff,
  kOptional,  // on the same port: a client that begins with a TLS handshake gets TLS
  kRequired,
};

struct TlsOptions {
  TlsMode mode = TlsMode::kOff;
  std::string certificate;  // PEM file: the server's, then those that lead to the root
  std::string key;          // PEM file
  // PEM file of those who sign clients' certificates. Not empty: clients must show one.
  std::string client_ca;
};

// What new connections start from. Thread-safe.
class TlsContext {
 public:
  // Reads the files. kFailedPrecondition names the file and what is wrong.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Load(TlsOptions options);
  // Reads them again if one of them has changed; what is there stays if they are wrong. True if new
  // ones are in use. Connections keep what they began with.
  absl::StatusOr<bool> ReloadIfChanged();

  const TlsOptions& options() const { return options_; }
  std::shared_ptr<ssl_ctx_st> current() const;

 private:
  explicit TlsContext(TlsOptions options) : options_(std::move(options)) {}
  absl::Status LoadFiles();
  std::string Stamp() const;

  const TlsOptions options_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<ssl_ctx_st> current_ ABSL_GUARDED_BY(mutex_);
  std::string stamp_ ABSL_GUARDED_BY(mutex_);  // of the files that were read
};

// Whether a connection's first byte is that of a TLS handshake; no version of the native protocol
// begins so.
inline bool LooksLikeTls(char first) { return first == 0x16; }

// One connection's TLS. Confined to one thread.
class TlsSession {
 public:
  explicit TlsSession(const TlsContext& context);
  ~TlsSession();

  // Bytes from the socket.
  void Feed(std::string_view bytes);
  // Decrypted bytes: how many; 0: none now; -1: the session has ended or is broken. Runs the
  // handshake.
  int Read(char* out, size_t size);
  // Requires that something was read before: the handshake is over.
  void Write(std::string_view bytes);
  // Appends what is to be sent.
  void TakeOutput(std::string* out);

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* ssl_;
  bio_st* in_;  // owned by ssl_, as out_
  bio_st* out_;
};

}  // namespace tholos::node::native
