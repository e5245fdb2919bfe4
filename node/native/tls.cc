#include "node/native/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace tholos::node::native {
namespace {

std::string OpenSslError() {
  char text[256] = "unknown error";
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

absl::Status Wrong(std::string_view what, const std::string& file) {
  return absl::FailedPreconditionError(
      base::ToAbsl(base::StrCat("TLS ", what, " ", file, ": ", OpenSslError())));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Load(TlsOptions options) {
  std::unique_ptr<TlsContext> context(new TlsContext(std::move(options)));
  const absl::Status status = context->LoadFiles();
  if (!status.ok()) return status;
  return context;
}

absl::Status TlsContext::LoadFiles() {
  const std::string stamp = Stamp();
  std::shared_ptr<SSL_CTX> next(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  THOLOS_CHECK(next != nullptr) << OpenSslError();
  SSL_CTX_set_min_proto_version(next.get(), TLS1_2_VERSION);
  // A session could outlive the certificate that it was made with.
  SSL_CTX_set_session_cache_mode(next.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(next.get(), options_.certificate.c_str()) != 1) {
    return Wrong("certificate", options_.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(next.get(), options_.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(next.get()) != 1) {
    return Wrong("key", options_.key);
  }
  if (!options_.client_ca.empty()) {
    if (SSL_CTX_load_verify_locations(next.get(), options_.client_ca.c_str(), nullptr) != 1) {
      return Wrong("certificates of clients' signers", options_.client_ca);
    }
    SSL_CTX_set_verify(next.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  absl::MutexLock lock(&mutex_);
  current_ = std::move(next);
  stamp_ = stamp;
  return absl::OkStatus();
}

std::string TlsContext::Stamp() const {
  std::string stamp;
  for (const std::string& file : {options_.certificate, options_.key, options_.client_ca}) {
    struct stat info{};
    stat(file.c_str(), &info);
    base::StrAppend(&stamp, info.st_ino, " ", info.st_size, " ", info.st_mtim.tv_sec, ".",
                    info.st_mtim.tv_nsec, "\n");
  }
  return stamp;
}

absl::StatusOr<bool> TlsContext::ReloadIfChanged() {
  {
    const std::string stamp = Stamp();
    absl::MutexLock lock(&mutex_);
    if (stamp == stamp_) return false;
  }
  const absl::Status status = LoadFiles();
  if (!status.ok()) return status;
  return true;
}

std::shared_ptr<SSL_CTX> TlsContext::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

TlsSession::TlsSession(const TlsContext& context)
    : context_(context.current()),
      ssl_(SSL_new(context_.get())),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  THOLOS_CHECK(ssl_ != nullptr && in_ != nullptr && out_ != nullptr) << OpenSslError();
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

void TlsSession::Feed(std::string_view bytes) {
  const int written = BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  THOLOS_CHECK(written == static_cast<int>(bytes.size())) << "BIO_write";
}

int TlsSession::Read(char* out, size_t size) {
  ERR_clear_error();
  const int n = SSL_read(ssl_, out, static_cast<int>(size));
  if (n > 0) return n;
  const int error = SSL_get_error(ssl_, n);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

void TlsSession::Write(std::string_view bytes) {
  if (bytes.empty()) return;
  // A buffer in memory takes everything; a session that is broken sends nothing more.
  ERR_clear_error();
  SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  ERR_clear_error();
}

void TlsSession::TakeOutput(std::string* out) {
  const size_t pending = BIO_ctrl_pending(out_);
  if (pending == 0) return;
  const size_t start = out->size();
  out->resize(start + pending);
  const int n = BIO_read(out_, out->data() + start, static_cast<int>(pending));
  out->resize(start + static_cast<size_t>(std::max(n, 0)));
}

}  // namespace tholos::node::native
