# SPDX-License-Identifier: GPL-2.0-or-later
# For Nix: nix-build -E 'with import <nixpkgs> {}; callPackage ./synward.nix {}', from a checkout.
{ lib, stdenv, autoreconfHook, autoconf-archive, pkg-config, jansson, libmnl
, libnetfilter_log, libpcap, libseccomp, libyaml, ncurses, nftables, systemd }:

stdenv.mkDerivation {
  pname = "synward";
  version = "0.1.0";
  src = lib.cleanSource ../..;

  nativeBuildInputs = [ autoreconfHook autoconf-archive pkg-config ];
  buildInputs = [ jansson libmnl libnetfilter_log libpcap libseccomp libyaml ncurses nftables systemd ];

  # Configuration and state are the machine's, not the store's.
  configureFlags = [ "--sysconfdir=/etc" "--disable-tests" ];
  installFlags = [ "sysconfdir=${placeholder "out"}/etc" ];

  meta = {
    description = "SYN flood detection for Linux servers";
    license = lib.licenses.gpl2Plus;
    platforms = lib.platforms.linux;
    mainProgram = "synwardctl";
  };
}
